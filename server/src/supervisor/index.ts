export { forkLauncher } from './fork-child';
export type { ProcessState, ProcessStatus } from './state';
export { formatStatus } from './status-line';
export { Supervisor, type SupervisorOptions } from './supervisor';
