export { Outbox, type AddOptions, type AddedMessage, type MessageToAdd } from './outbox.js';
export { Handles, HandlesLong, type DeliveryContext } from './handles.js';
export { LongJob, LeaseLost, JobHandedBack, type Json } from './long-job.js';
export { DeadLetterSink, UnprocessableMessage, type DeadLetter } from './dead-letter.js';
export { Schedules, type Schedule, type CatchUp } from './schedules.js';
export { MessageCatalogue } from './message-catalogue.js';
export { MessagingOptions } from './messaging.options.js';
export { MessagingModule, type MessagingSettings } from './messaging.module.js';
export { sealText, unsealText } from './sealed.js';
