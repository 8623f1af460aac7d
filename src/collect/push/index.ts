// collect/push: what others send of their own accord into sample batches.

export { unzstd } from './body.ts';
export {
  createPushReceiver,
  PUSH_BODY_BYTES_MAX,
  type PushAnswer,
  type PushPorts,
  type PushReceiver,
  type PushRequest,
} from './receiver.ts';
