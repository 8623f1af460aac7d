// notify/: from notification jobs to messages that arrived. See README.md.

export { DESTINATION_SENDS_MAX } from './attempt.ts';
export {
  type AnyChannel,
  type Channel,
  type ChannelPorts,
  erased,
  type Message,
  type RenderText,
  type Sender,
} from './channel.ts';
export { channels } from './channels.ts';
export { type HttpClient, httpClientSchema, tlsSchema } from './client.ts';
export { type NotificationData, notificationData, RECOVERY_ANNOTATION } from './data.ts';
export type { EmailSettings, SmtpSettings } from './email.ts';
export type { DestinationHealth } from './health.ts';
export { HEARTBEAT_ALERT, HEARTBEAT_RECEIVER, type HeartbeatSettings, heartbeat } from './heartbeat.ts';
export {
  createNotifier,
  type Notifier,
  type NotifierOptions,
  type NotifyConfig,
  type TestAnswer,
} from './notifier.ts';
export type { Integration, ReceiverSpec } from './receivers.ts';
export {
  checkTemplateFiles,
  checkTemplateNames,
  createRender,
  type RenderOptions,
  type TemplateFile,
} from './render.ts';
export { defaultTemplates } from './texts.ts';
export type { WebhookSettings } from './webhook.ts';
export { filledRouteLabels, webhookBody } from './webhook-body.ts';
export type { Language } from './words.ts';
