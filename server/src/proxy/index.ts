export { createClientAddressReader, UNIX_PEER } from './client-address';
export { createStreamProxy, type StreamProxy } from './stream-proxy';
