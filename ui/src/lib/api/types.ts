/** The shapes of the API that the frame and the settings use, by the names they go by here. */
import type { components } from './schema.d.ts';

type Schemas = components['schemas'];

export type Session = Schemas['SessionView'];
export type SessionProject = Schemas['SessionProject'];
export type Project = Schemas['ProjectView'];
export type User = Schemas['UserView'];
export type Invitation = Schemas['InvitationView'];
export type SignedInSession = Schemas['OwnSession'];
export type Key = Schemas['KeyView'];
export type CreatedKey = Schemas['CreatedKey'];
export type AuditEntry = Schemas['AuditView'];
export type Resource = Schemas['ResourceView'];
export type KindInfo = Schemas['KindView'];
export type Validation = Schemas['Validation'];
export type SecretInfo = Schemas['SecretView'];
export type Storage = Schemas['Storage'];
export type Erased = Schemas['Erased'];
