export type * from './server/src';
export { default } from './server/src';
