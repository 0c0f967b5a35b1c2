// Generated from the OpenAPI document of the daemon: `pnpm run docs`.

export interface paths {
    readonly "/": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Name and version */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly draft_only: boolean;
                            readonly name: string;
                            readonly version: string;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The accounts */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Account"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        /** Add an account; the server is not contacted */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewAccount"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Account"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** An account */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Account"];
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        /**
         * Remove an account
         * @description With drafts that are not sent, `unsent` must say what becomes of their copies on the server.
         */
        readonly delete: {
            readonly parameters: {
                readonly query?: {
                    readonly unsent?: "keep" | "discard";
                };
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Removed */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        /** Change an account; its servers are not contacted */
        readonly patch: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["AccountChanges"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Account"];
                    };
                };
            };
        };
        readonly trace?: never;
    };
    readonly "/accounts/{id}/draft-manager": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * The seven actions of the draft manager; it always answers its envelope
         * @description Actions: `auto-save` (write), `recover` (write), `delete` (write), `export` (read), `import` (write), `list` (read), `get` (read). Names are camelCase, times are epoch milliseconds. A token needs the scope of the action.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                };
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["DraftManagerRequest"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["DraftManagerSuccess"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Drafts without their text and HTML, newest change first; with `q`, best match first
         * @description `q` finds words by their beginnings, all of them, in subject, people, text and names of files, whatever their case and accents. Such an item has a `snippet`, in which each hit stands between U+2068 and U+2069.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                    readonly q?: string;
                    readonly status?: "draft" | "queued" | "sending" | "sent" | "discarded";
                    readonly sync_state?: "local-only" | "synchronized" | "stale-server";
                    readonly tag?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["DraftListItem"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        /** Create a draft; it is on disk when the answer comes */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "idempotency-key"?: string;
                };
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewDraft"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** A draft */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        /**
         * Save: changes the fields given, null empties one
         * @description With `on_conflict` and `base_version`, the version that the changes were made on, a draft that has moved on is merged with them, field by field. What cannot be merged is 409 `CONFLICT` with the `conflict_id` under which both sides are kept.
         */
        readonly put: {
            readonly parameters: {
                readonly query?: {
                    readonly base_version?: string;
                    readonly on_conflict?: "merge" | "local-wins" | "remote-wins";
                };
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "if-match"?: string;
                };
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["DraftChanges"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly post?: never;
        /** Discard: to the local trash for 30 days; its copies on the server go */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "if-match"?: string;
                };
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/approve": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Let the draft go as it is at this version; any edit after that makes it void */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": {
                        readonly version: number;
                    };
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/attachments": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The attachments of a draft, in their order */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Attachment"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        /**
         * Attach the body as a file
         * @description `Content-Disposition: attachment; filename="…"` names it (also `filename*`); `Content-Type` is kept. With `Idempotency-Key`, a UUID, attaching again changes nothing.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header: {
                    readonly "content-disposition": string;
                    readonly "content-id"?: string;
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "idempotency-key"?: string;
                    readonly "if-match"?: string;
                };
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: {
                readonly content: {
                    readonly "*/*": unknown;
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Attachment"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/attachments/{attachment_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The file; `Range` is honoured */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "if-range"?: string;
                    readonly range?: string;
                };
                readonly path: {
                    readonly attachment_id: string;
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description The file */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "*/*": string;
                    };
                };
                /** @description The part asked for */
                readonly 206: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "*/*": string;
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        /** Take a file off the draft */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "if-match"?: string;
                };
                readonly path: {
                    readonly attachment_id: string;
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Taken off */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/conflicts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Both sides and the base of each conflict; those that wait for a decision first */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Conflict"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/conflicts/{conflict_id}/resolve": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * End a conflict by a strategy, or by the fields as they were merged
         * @description The draft gets a new version, and both sides stay in the record. `merge` that cannot be done is 409 `CONFLICT`.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "if-match"?: string;
                };
                readonly path: {
                    readonly conflict_id: string;
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["Resolution"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/discard-changes": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Back to what it was when it was opened, else to what was synchronized last; the draft stays
         * @description `device_id` says whose composer; without it, or when that has not opened the draft, the latter.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "if-match"?: string;
                };
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: {
                readonly content: {
                    readonly "application/json": {
                        readonly device_id?: string;
                    } | null;
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/history": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The revisions of a draft, newest first */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Revision"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/open": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * A composer shows the draft: no sync purges it
         * @description To be called again every 60 seconds; without that it ends after two minutes.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": {
                        readonly device_id: string;
                    };
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["OpenDraft"];
                    };
                };
            };
        };
        /**
         * The composer is closed: what was written is uploaded at once
         * @description `device_id` in the query or in the body. What this device has not open is closed already: 204.
         */
        readonly delete: {
            readonly parameters: {
                readonly query?: {
                    readonly device_id?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: {
                readonly content: {
                    readonly "application/json": {
                        readonly device_id: string;
                    } | null;
                };
            };
            readonly responses: {
                /** @description Closed */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/restore": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Back to an earlier version: a new one that says what that one said */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "if-match"?: string;
                };
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": {
                        readonly version: number;
                    };
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/review": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * What changed since the approval: each field, before and after
         * @description `since` asks for the changes since another version; 404 for one that is not kept.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly since?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["ReviewChanges"];
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/send": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Consent to send the draft as it is at this version
         * @description Nobody edits it until the send is undone or has failed. `undo_seconds` is how long it can be undone at least; `send_at` a time before which it does not go. With `Prefer: wait=N` the answer is 200 when the send has ended within N seconds, whatever the outcome.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "idempotency-key"?: string;
                    readonly "if-match"?: string;
                    readonly prefer?: string;
                };
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: {
                readonly content: {
                    readonly "application/json": components["schemas"]["SendOptions"] | null;
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
                /** @description Default Response */
                readonly 202: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/suggest": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Ask a webhook of your own what might be written instead; nothing is stored
         * @description The draft goes to the webhook in a signed POST, without Bcc, metadata and the bytes of attachments. It answers `{suggestions: [{label, subject, text, html}]}`, or 204.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["SuggestionRequest"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Suggestions"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/drafts/{draft_id}/undiscard": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Out of the local trash, within 30 days: a draft again, with its history, and uploaded again */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly draft_id: string;
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/export": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Drafts as a bundle, an mbox or a message, streamed
         * @description All that are neither sent nor in the trash, or those of `draft_id`, which may stand more than once. `eml` is one draft. With `attachments=true` a bundle has their bytes; `history=false` leaves earlier versions out. docs/draft-manager.md says what stands in a bundle.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly attachments?: "true" | "false";
                    readonly draft_id?: string | readonly string[];
                    readonly format?: "gzip" | "jsonl" | "json" | "mbox" | "eml";
                    readonly history?: "true" | "false";
                };
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description The file */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/gzip": string;
                        readonly "application/json": components["schemas"]["DraftBundle"];
                        readonly "application/mbox": string;
                        readonly "application/x-ndjson": string;
                        readonly "message/rfc822": string;
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/import": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Takes the body in: a bundle, an mbox or a message, as long as it is; all of it or nothing
         * @description JSON, JSON lines, either of them in gzip, mbox or one message, whatever `Content-Type` says. Whose the drafts were counts for nothing. Of a draft that is here already local is what is here. What is wrong is named by its entry and its field.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: {
                    readonly attachments?: "true" | "false";
                    readonly device_id?: string;
                    readonly on_conflict?: "merge" | "local-wins" | "remote-wins";
                };
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                };
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: {
                readonly content: {
                    readonly "*/*": unknown;
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["ImportReport"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/messages/reply": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Answer a message on the server, or pass it on: a draft with threading headers and the quote
         * @description A forward has the attachments of the message; one that is signed or encrypted is attached as a whole. It is looked for by its Message-ID, in `folder` first, else in INBOX and Sent first. Nothing is made when the server cannot be reached.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "idempotency-key"?: string;
                };
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewReply"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/responder": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** What answers new mail in INBOX by drafts */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Responder"];
                    };
                };
            };
        };
        /**
         * Have new mail in INBOX answered by drafts: a program writes them, and a person sends them
         * @description The URL gets a signed POST for each mail, and answers with JSON `{text, html?, subject?, scenario?, metadata?}`, or 204 for none. `secret` signs, and is told where it is new. What programs, lists and mail systems write is never answered (RFC 3834).
         */
        readonly put: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["ResponderSettings"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Responder"];
                    };
                };
            };
        };
        readonly post?: never;
        /** Answer new mail no more; drafts that were made stay */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Removed */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/sends/release": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Go: what a restored backup holds is sent, each at its time
         * @description After the data was put back from a backup nothing of the outbox goes by itself, as it may have been sent since. What is found in Sent stays held. One send alone is let go by `POST /sends/{id}/retry`.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Released"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/sync": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * One round with the server now, up and down
         * @description With `Prefer: wait=N` the answer is 200 when nothing is left to do; else, or when N seconds are over before, it is 202 and the round goes on.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: {
                    readonly confirm_losses?: "true" | "false";
                };
                readonly header?: {
                    readonly prefer?: string;
                };
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["SyncReport"];
                    };
                };
                /** @description Default Response */
                readonly 202: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["SyncReport"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/tasks": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The queue: what waits, runs, is parked or has failed */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Task"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/tasks/{task_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * A task and its timeline, oldest step first; also one that is done, for 30 days
         * @description Of a task that has left the queue `superseded` is null.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                    readonly task_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["TaskDetails"];
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/tasks/{task_id}/retry": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Run a task now, also when it is parked or failed */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                    readonly task_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Task"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/templates": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** What new drafts can begin with, by name */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Template"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        /** Add a template; `template_id` makes a draft of it */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewTemplate"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Template"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/templates/{template_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** A template */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                    readonly template_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Template"];
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        /** Remove a template; the drafts made of it stay */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                    readonly template_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Removed */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/{id}/verify": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Connect, and say what the server can do and how drafts will be uploaded there */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["AccountReport"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/accounts/discover": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Find the servers of an address by what its domain has published; nothing is stored
         * @description SRV records (RFC 6186, RFC 8314), then the settings at `https://autoconfig.DOMAIN` and at `https://DOMAIN/.well-known/autoconfig`. With `to_confirm` DNS alone names a host of another domain: a person must agree before a password goes there.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["DiscoveryQuestion"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Discovery"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/backup": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * A copy of the whole store, while it is in use
         * @description One SQLite file with the data of all tenants: for the token of the daemon itself alone. Passwords in it are sealed by the key, which is not in it. 503 where the store makes no copies of itself.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description The file */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/vnd.sqlite3": string;
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/drafts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Create a draft in the account that fits: by `from`, by recipients, else the one used last */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "everdraft-author"?: "user" | "program";
                    readonly "idempotency-key"?: string;
                };
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewDraft"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Draft"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/events": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * What happens, as server-sent events
         * @description Those of the own accounts, in order; `id` is the cursor. It goes on after `Last-Event-ID`, else after `after`, else from now on; cursors hold over restarts, for 30 days. An event `gap` says that some are not kept any more: read anew. With `Prefer: wait=N` it ends after N seconds; with N = 0 it is what there is. 429 where the token has as many streams open as it may.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly account_id?: string;
                    readonly after?: string;
                };
                readonly header?: {
                    readonly "last-event-id"?: string;
                    readonly prefer?: string;
                };
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Each event of the stream */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "text/event-stream": components["schemas"]["ServerSentEvent"];
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/healthz": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Alive */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly status: string;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/key/rotate": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Seal passwords, refresh tokens and the secrets of webhooks by a new key
         * @description Of all tenants: for the token of the daemon itself alone. The new key is in the key file, and the older ones are not any more. 503 `SECRETS_LOCKED` where the daemon was given its keys otherwise, as by `EVERDRAFT_KEY`.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description All is sealed by the new key */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/mcp": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Model Context Protocol over streamable HTTP, without sessions and streams
         * @description A message in each request; tools stand for routes, and `tools/list` says which the token may use, with a JSON Schema of each. `Accept` must take `application/json` and `text/event-stream`; `MCP-Protocol-Version`, where it is given, must be a version that `initialize` has agreed on.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["McpMessage"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["McpAnswer"];
                    };
                };
                /** @description Heard: a notification, or an answer to nothing that was asked */
                readonly 202: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/metrics": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Figures for Prometheus, over all tenants
         * @description For tokens with the scope `read` in the tenant `default`.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Prometheus text */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "text/plain": string;
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/readyz": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Ready: the store answers */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly status: string;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/send": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Write a mail and send it, in one request
         * @description From the account of `account_id`, or the one whose address is `from_email`. What stands against sending is 422, and leaves no draft.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    readonly "idempotency-key"?: string;
                    readonly "if-match"?: string;
                    readonly prefer?: string;
                };
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewMail"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
                /** @description Default Response */
                readonly 202: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/sends": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Sends, the newest first */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly account_id?: string;
                    readonly draft_id?: string;
                    readonly limit?: string;
                    readonly offset?: string;
                    readonly status?: "queued" | "sending" | "sent" | "failed" | "cancelled" | "unknown";
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Send"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/sends/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        /**
         * Undo, while it still can be: the draft is a draft again
         * @description 409 `TOO_LATE` once the server has accepted recipients; later only those who are left are given up.
         */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/sends/{id}/resolve": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** What an unknown one is: sent, or to be sent again */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["SendResolution"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/sends/{id}/retry": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Now, past what holds it; or anew after a failure, under the same id */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/tokens": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The tokens, the newest first; never what their bearers show
         * @description Those of the own tenant and user; with the token of the daemon itself those of all.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Token"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        /**
         * Make a token; `token` is what its bearer shows, and is told this once
         * @description It can do no more than the token that makes it: no other scopes, no later end. Only the token of the daemon itself makes tokens for other tenants and users.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewToken"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["CreatedToken"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/tokens/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        /** Revoke a token: it opens nothing from now on */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Revoked */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/track/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** What became of a send */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Send"];
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhook/analytics/by-scenario": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The same for each scenario
         * @description Of the drafts that responders made from `from` on and before `to`; as dates both days count as a whole, UTC. Each is counted once, as what it is now. A token with the scope `admin` counts those of all users of its tenant. `scenario` is null for those without one.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly from?: string;
                    readonly to?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["ScenarioCounts"][];
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhook/analytics/by-user": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The same for each user
         * @description Of the drafts that responders made from `from` on and before `to`; as dates both days count as a whole, UTC. Each is counted once, as what it is now. A token with the scope `admin` counts those of all users of its tenant.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly from?: string;
                    readonly to?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["UserCounts"][];
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhook/analytics/counts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * How many drafts responders made, and what became of them
         * @description Of the drafts that responders made from `from` on and before `to`; as dates both days count as a whole, UTC. Each is counted once, as what it is now. A token with the scope `admin` counts those of all users of its tenant.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly from?: string;
                    readonly to?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["OutcomeCounts"];
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhook/analytics/draft-vs-sent": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Each draft of a responder that was sent, and the mail that came of it; the last sent first
         * @description Of the own ones. With `diff=words` the words that were added and removed are told, too.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly diff?: "words";
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["DraftVsSent"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhook/analytics/trends": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * By week and scenario: how many, how many of them were sent, how soon, and how much was changed
         * @description Of the drafts that responders made from `from` on and before `to`; as dates both days count as a whole, UTC. Each is counted once, as what it is now. A token with the scope `admin` counts those of all users of its tenant. `acceptance_rate` is the part that was sent of those which somebody sent, discarded, or answered without. With `format=csv` it is a table (RFC 4180).
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly format?: "json" | "csv";
                    readonly from?: string;
                    readonly to?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description The first week first */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["OutcomeTrend"][];
                        };
                        readonly "text/csv": string;
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhooks": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The own webhooks, the newest first; never their secrets */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["Webhook"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        /**
         * Have events from now on delivered to a URL; `secret` signs them, and is told this once
         * @description In order, one after the other, each until it is taken (2xx). `https:` and public addresses only; with `allow_private`, which is for the tenant of the daemon itself, also others. No redirect is followed.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewWebhook"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["CreatedWebhook"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhooks/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        /** Remove a webhook, with its log: nothing is delivered any more */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Removed */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        readonly options?: never;
        readonly head?: never;
        /**
         * Change where events go, and which; what is left out stays
         * @description `events: null` is all. With `enabled: false` nothing is delivered; with `enabled: true`, also of one that was given up, it goes on from where it was, at once.
         */
        readonly patch: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["WebhookChanges"];
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Webhook"];
                    };
                };
            };
        };
        readonly trace?: never;
    };
    readonly "/webhooks/{id}/deliveries": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The attempts of 30 days, the newest first */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: string;
                    readonly offset?: string;
                };
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["WebhookDelivery"][];
                            readonly limit: number;
                            readonly offset: number;
                            readonly total: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhooks/{id}/secret": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * A new `secret`, told this once; the one before signs beside it for a while
         * @description For `previous_valid_seconds`, a day if nothing is said and 0 for not at all, each delivery has both signatures. A secret before the previous one signs no more.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: {
                readonly content: {
                    readonly "application/json": components["schemas"]["NewWebhookSecret"] | null;
                };
            };
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["CreatedWebhook"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/webhooks/{id}/test": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Deliver a ping now, and say what came of it; one that is taken enables a disabled webhook */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Default Response */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["WebhookDelivery"];
                    };
                };
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export interface components {
    schemas: {
        readonly Account: {
            readonly address: string;
            /** Format: date-time */
            readonly created_at: string;
            readonly id: string;
            readonly imap: components["schemas"]["Server"];
            readonly last_error: components["schemas"]["LastError"] | null;
            readonly name: string;
            readonly smtp: components["schemas"]["Server"] | null;
        };
        /** @description What is left out stays; a server that is given takes the place of the one before, with its password */
        readonly AccountChanges: {
            readonly auth?: components["schemas"]["OAuth2"];
            readonly imap?: components["schemas"]["ServerSettings"];
            readonly name?: string;
            readonly smtp?: components["schemas"]["ServerSettings"] | null;
        };
        readonly AccountReport: {
            readonly capabilities: {
                readonly append_limit: number | null;
                readonly binary: boolean;
                readonly catenate: boolean;
                readonly compress: boolean;
                readonly condstore: boolean;
                readonly create_special_use: boolean;
                readonly gmail: boolean;
                readonly idle: boolean;
                readonly move: boolean;
                readonly notify: boolean;
                readonly object_id: boolean;
                readonly qresync: boolean;
                readonly quota: boolean;
                readonly replace: boolean;
                readonly special_use: boolean;
                readonly uidplus: boolean;
            };
            readonly edit_cost: {
                /** @description What an edit of a few words sends; bytes null: the server takes no such message */
                readonly text: {
                    readonly bytes: number | null;
                    /** @enum {string} */
                    readonly method: "append" | "append-catenate" | "replace" | "replace-catenate";
                };
                /** @description What an edit of a few words sends; bytes null: the server takes no such message */
                readonly with_attachment: {
                    readonly bytes: number | null;
                    /** @enum {string} */
                    readonly method: "append" | "append-catenate" | "replace" | "replace-catenate";
                };
            };
            /** @constant */
            readonly files_sent_copies: "unknown";
            readonly folders: {
                readonly drafts: string | null;
                readonly sent: string | null;
                readonly trash: string | null;
            };
            readonly probe: {
                /** Format: date-time */
                readonly at: string;
                readonly message_left: boolean;
                readonly refusal: string | null;
                readonly server_id: string | null;
                readonly survival: {
                    readonly bcc: boolean;
                    /** @enum {string} */
                    readonly body: "kept" | "altered";
                    readonly draft_flag: boolean;
                    readonly internal_date: boolean;
                    /** @enum {string} */
                    readonly keywords: "kept" | "lower-cased" | "dropped" | "refused";
                    /** @enum {string} */
                    readonly message_id: "kept" | "rewritten" | "dropped";
                    readonly private_headers: boolean;
                } | null;
            } | null;
            /** @enum {string} */
            readonly push: "notify" | "idle" | "poll";
            readonly quota_left: number | null;
            readonly submission: {
                readonly capabilities: {
                    readonly auth_mechanisms: readonly string[];
                    readonly burl: boolean;
                    readonly chunking: boolean;
                    readonly dsn: boolean;
                    readonly eight_bit_mime: boolean;
                    readonly future_release: boolean;
                    readonly pipelining: boolean;
                    readonly size_limit: number | null;
                    readonly smtp_utf8: boolean;
                } | null;
                readonly error: components["schemas"]["LastError"] | null;
            } | null;
            readonly to_create: {
                readonly path: string;
                readonly with_special_use: boolean;
            } | null;
            /** @enum {string} */
            readonly upload_method: "append" | "append-catenate" | "replace" | "replace-catenate";
        };
        readonly Address: {
            readonly address: string;
            readonly name: string;
        };
        readonly Attachment: {
            readonly content_id: string | null;
            readonly content_type: string;
            /** @enum {string} */
            readonly disposition: "attachment" | "inline";
            readonly filename: string;
            readonly id: string;
            readonly sha256: string;
            readonly size: number;
        };
        readonly Conflict: {
            readonly base: components["schemas"]["DraftContent"];
            readonly base_version: number;
            /** @enum {string} */
            readonly by: "user" | "program" | "foreign";
            /** Format: date-time */
            readonly created_at: string;
            readonly device: string;
            readonly draft_id: string;
            readonly fields: readonly ("from" | "to" | "cc" | "bcc" | "subject" | "in_reply_to" | "references" | "attachments" | "metadata" | "tags" | "text" | "html")[];
            readonly id: string;
            readonly local: components["schemas"]["DraftContent"];
            readonly remote: components["schemas"]["DraftContent"];
            readonly remote_version: number;
            readonly resolution: string | null;
            readonly resolved_at: string | null;
        };
        readonly CreatedToken: {
            /** Format: date-time */
            readonly created_at: string;
            readonly expires_at: string | null;
            readonly id: string;
            readonly last_used_at: string | null;
            readonly name: string;
            readonly scopes: readonly ("read" | "write" | "send" | "approve" | "admin")[];
            readonly tenant_id: string;
            readonly token: string;
            readonly user_id: string;
        };
        readonly CreatedWebhook: {
            readonly account_id: string | null;
            readonly allow_private: boolean;
            /** Format: date-time */
            readonly created_at: string;
            readonly disabled_at: string | null;
            readonly events: readonly ("account-added" | "account-changed" | "account-removed" | "draft-created" | "draft-saved" | "draft-discarded" | "draft-undiscarded" | "draft-imported" | "draft-moved" | "draft-purged" | "draft-sync-changed" | "draft-approved" | "review-changed" | "conflict-raised" | "conflict-resolved" | "upload-started" | "upload-finished" | "copy-removed" | "losses-held" | "send-queued" | "send-status-changed" | "send-bounced" | "outcome.created" | "outcome.superseded" | "outcome.sent" | "task-retrying" | "task-parked" | "task-failed" | "webhook-disabled")[] | null;
            readonly failing_since: string | null;
            readonly failures: number;
            readonly id: string;
            readonly next_attempt_at: string | null;
            readonly previous_secret_expires_at: string | null;
            readonly secret: string;
            /** @enum {string} */
            readonly status: "active" | "failing" | "disabled";
            readonly url: string;
        };
        readonly DiscoveredServer: {
            readonly host: string;
            readonly logins: readonly ("password" | "oauth2")[];
            readonly port: number;
            /** @enum {string} */
            readonly security: "tls" | "starttls";
            /** @enum {string} */
            readonly source: "srv" | "autoconfig" | "well-known";
            readonly to_confirm: boolean;
            readonly user: string;
        };
        readonly Discovery: {
            readonly imap: components["schemas"]["DiscoveredServer"] | null;
            readonly smtp: components["schemas"]["DiscoveredServer"] | null;
        };
        readonly DiscoveryQuestion: {
            readonly address: string;
        };
        readonly Draft: {
            readonly account_id: string;
            readonly attachments: readonly components["schemas"]["Attachment"][];
            readonly bcc: readonly components["schemas"]["Address"][];
            readonly cc: readonly components["schemas"]["Address"][];
            /** Format: date-time */
            readonly created_at: string;
            readonly from: components["schemas"]["Address"] | null;
            readonly html: string | null;
            readonly id: string;
            readonly in_reply_to: string | null;
            readonly metadata: {
                readonly [key: string]: unknown;
            };
            /** @enum {string} */
            readonly policy: "sync" | "local-only";
            readonly references: readonly string[];
            readonly review: components["schemas"]["Review"] | null;
            readonly scheduled_send_at: string | null;
            /** @enum {string} */
            readonly status: "draft" | "queued" | "sending" | "sent" | "discarded";
            readonly subject: string;
            readonly succeeds: string | null;
            readonly sync: components["schemas"]["DraftSync"];
            readonly tags: readonly string[];
            readonly text: string;
            readonly to: readonly components["schemas"]["Address"][];
            /** Format: date-time */
            readonly updated_at: string;
            readonly version: number;
        };
        readonly DraftBundle: {
            readonly [key: string]: unknown;
        };
        readonly DraftChanges: {
            readonly bcc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly cc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly from?: (string | {
                readonly address: string;
                readonly name?: string | null;
            }) | null;
            readonly html?: string | null;
            readonly in_reply_to?: string | null;
            readonly metadata?: {
                readonly [key: string]: unknown;
            } | null;
            readonly references?: readonly string[] | null;
            readonly review?: {
                readonly required: boolean;
            } | null;
            readonly subject?: string | null;
            readonly tags?: readonly string[] | null;
            readonly text?: string | null;
            readonly to?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
        };
        readonly DraftContent: {
            readonly attachments: readonly components["schemas"]["Attachment"][];
            readonly bcc: readonly components["schemas"]["Address"][];
            readonly cc: readonly components["schemas"]["Address"][];
            readonly from: components["schemas"]["Address"] | null;
            readonly html: string | null;
            readonly in_reply_to: string | null;
            readonly metadata: {
                readonly [key: string]: unknown;
            };
            readonly references: readonly string[];
            readonly subject: string;
            readonly tags: readonly string[];
            readonly text: string;
            readonly to: readonly components["schemas"]["Address"][];
        };
        readonly DraftListItem: {
            readonly account_id: string;
            readonly attachments: readonly components["schemas"]["Attachment"][];
            readonly bcc: readonly components["schemas"]["Address"][];
            readonly cc: readonly components["schemas"]["Address"][];
            /** Format: date-time */
            readonly created_at: string;
            readonly from: components["schemas"]["Address"] | null;
            readonly id: string;
            readonly in_reply_to: string | null;
            readonly metadata: {
                readonly [key: string]: unknown;
            };
            /** @enum {string} */
            readonly policy: "sync" | "local-only";
            readonly references: readonly string[];
            readonly review: components["schemas"]["Review"] | null;
            readonly scheduled_send_at: string | null;
            readonly snippet?: string;
            /** @enum {string} */
            readonly status: "draft" | "queued" | "sending" | "sent" | "discarded";
            readonly subject: string;
            readonly succeeds: string | null;
            readonly sync: components["schemas"]["DraftSync"];
            readonly tags: readonly string[];
            readonly to: readonly components["schemas"]["Address"][];
            /** Format: date-time */
            readonly updated_at: string;
            readonly version: number;
        };
        readonly DraftManagerFailure: {
            readonly duration: number;
            readonly error: string;
            /** @enum {string} */
            readonly errorCode: "VALIDATION_ERROR" | "UNAUTHORIZED" | "CONFLICT_ERROR" | "RECOVERY_ERROR" | "STORAGE_ERROR" | "DRAFT_MANAGER_ERROR";
            readonly errors?: readonly {
                readonly message: string;
                readonly path: string;
            }[];
            readonly output?: components["schemas"]["DraftManagerOutput"];
            /** @constant */
            readonly status: "error";
            readonly timestamp: number;
        };
        readonly DraftManagerOutput: {
            /** @enum {string} */
            readonly actionPerformed: "auto-save" | "recover" | "delete" | "export" | "import" | "list" | "get";
            readonly bundle?: {
                readonly [key: string]: unknown;
            };
            readonly changed?: boolean;
            readonly conflict?: {
                readonly baseVersion: number | null;
                readonly conflictId: string | null;
                readonly fields: readonly string[];
                readonly remoteModifiedAt: number;
                readonly remoteVersion: number;
                /** @enum {string} */
                readonly resolutionStrategy: "local-wins" | "remote-wins" | "merge";
            };
            readonly conflictDetected: boolean;
            readonly draft?: components["schemas"]["DraftState"];
            readonly drafts?: readonly components["schemas"]["DraftState"][];
            readonly imported?: readonly {
                readonly conflictId: string | null;
                readonly draftId: string;
                /** @enum {string} */
                readonly outcome: "created" | "restored" | "updated" | "unchanged" | "conflict" | "kept";
                readonly version: number;
            }[];
            readonly recovery?: {
                readonly autoRecovered: boolean;
                readonly candidates: readonly {
                    readonly candidateId: string;
                    readonly differs: boolean;
                    readonly draftId: string;
                    readonly edits: number;
                    readonly length: number;
                    readonly modifiedAt: number;
                    readonly rank: number;
                    readonly reason: readonly ("newest" | "longest" | "most-edited")[];
                    /** @enum {string} */
                    readonly source: "stored" | "local" | "unfinished-save" | "conflict" | "revision" | "trash";
                }[];
                readonly draftId: string;
                readonly lastKnownState: components["schemas"]["DraftState"];
                readonly recoveredAt: number;
                /** @enum {string} */
                readonly recoveryReason: "reconnection" | "browser-crash" | "manual-recovery";
                readonly userConfirmationRequired: boolean;
            };
            readonly saveMetadata?: {
                readonly changesSummary: {
                    readonly attachmentsAdded: number;
                    readonly attachmentsRemoved: number;
                    readonly bytesAdded: number;
                    readonly fieldsChanged: readonly string[];
                };
                readonly conflict: {
                    readonly remoteModifiedAt: number;
                    readonly remoteVersion: number;
                    /** @enum {string} */
                    readonly resolutionStrategy: "local-wins" | "remote-wins" | "merge";
                } | null;
                readonly device: string;
                readonly draftId: string;
                readonly savedAt: number | null;
                readonly saveId: string;
            };
            readonly stats: {
                readonly compressionSavings?: number;
                readonly itemsAffected: number;
                readonly operationDuration: number;
                readonly storageUsed: number;
                readonly trashUsed?: number;
            };
            readonly total?: number;
        };
        readonly DraftManagerRequest: {
            /** Format: uuid */
            readonly accountId?: string;
            /** @enum {string} */
            readonly action: "auto-save" | "recover" | "delete" | "export" | "import" | "list" | "get";
            readonly autoSaveInterval?: number;
            readonly beginSave?: boolean;
            readonly bundleData?: unknown;
            readonly deviceId?: string;
            readonly draft?: components["schemas"]["DraftStateChanges"];
            /** Format: uuid */
            readonly draftId?: string;
            readonly draftIds?: readonly string[];
            readonly enableCompression?: boolean;
            /** @enum {string} */
            readonly format?: "json" | "jsonl" | "gzip";
            readonly includeAttachments?: boolean;
            readonly limit?: number;
            readonly maxDraftSize?: number;
            readonly offset?: number;
            readonly recoveryOptions?: {
                readonly candidateId?: string;
                readonly maxRecoveryAge?: number;
                readonly preferLocal?: boolean;
                readonly preserveAttachments?: boolean;
            };
            /** @enum {string} */
            readonly recoveryReason?: "reconnection" | "browser-crash" | "manual-recovery";
            /** Format: uuid */
            readonly saveId?: string;
            readonly syncToken?: string;
            readonly unansweredSaveIds?: readonly string[];
        };
        readonly DraftManagerSuccess: {
            readonly duration: number;
            readonly output: components["schemas"]["DraftManagerOutput"];
            /** @constant */
            readonly status: "success";
            readonly timestamp: number;
        };
        readonly DraftState: {
            readonly accountId: string;
            readonly attachments: readonly {
                readonly blobUrl: string | null;
                readonly contentId: string | null;
                readonly filename: string;
                readonly id: string;
                readonly mimeType: string;
                readonly missing: boolean;
                readonly size: number;
                readonly uploadedAt: number | null;
            }[];
            readonly bcc: readonly {
                readonly address: string;
                readonly name: string;
            }[];
            readonly body: string;
            readonly bodyHtml: string | null;
            readonly cc: readonly {
                readonly address: string;
                readonly name: string;
            }[];
            readonly draftId: string;
            readonly isDirty: boolean;
            readonly lastModifiedAt: number;
            readonly lastSavedAt: number;
            readonly references: readonly string[];
            readonly scheduledSendTime: number | null;
            /** @enum {string} */
            readonly status: "draft" | "queued" | "sending" | "sent" | "discarded";
            readonly subject: string;
            readonly syncToken: string;
            readonly tags: readonly string[];
            readonly tenantId: string;
            readonly to: readonly {
                readonly address: string;
                readonly name: string;
            }[];
            readonly userId: string;
            readonly version: number;
        };
        readonly DraftStateChanges: {
            /** Format: uuid */
            readonly accountId?: string;
            readonly attachments?: readonly {
                readonly blobUrl?: string | null;
                readonly contentId?: string | null;
                readonly filename: string;
                /** Format: uuid */
                readonly id: string;
                readonly mimeType?: string;
                readonly missing?: boolean;
                readonly size?: number;
                readonly uploadedAt?: number | null;
            }[];
            readonly bcc?: readonly {
                readonly address: string;
                readonly name?: string | null;
            }[];
            readonly body?: string;
            readonly bodyHtml?: string | null;
            readonly cc?: readonly {
                readonly address: string;
                readonly name?: string | null;
            }[];
            /** Format: uuid */
            readonly draftId?: string;
            readonly isDirty?: boolean;
            readonly lastModifiedAt?: number;
            readonly lastSavedAt?: number;
            readonly references?: readonly string[];
            readonly scheduledSendTime?: number | null;
            /** @enum {string} */
            readonly status?: "draft" | "queued" | "sending" | "sent" | "discarded";
            readonly subject?: string;
            readonly syncToken?: string;
            readonly tags?: readonly string[];
            readonly tenantId?: string;
            readonly to?: readonly {
                readonly address: string;
                readonly name?: string | null;
            }[];
            readonly userId?: string;
            readonly version?: number;
        };
        readonly DraftSync: {
            readonly folder: string | null;
            readonly last_error: components["schemas"]["LastError"] | null;
            readonly last_upload: {
                /** Format: date-time */
                readonly at: string;
                readonly bytes_sent: number;
                readonly method: string;
            } | null;
            readonly message_id: string | null;
            readonly pending: {
                readonly bytes: number;
                /** @enum {string} */
                readonly reason: "waiting" | "uploading" | "offline" | "backing-off" | "parked" | "removing-copies" | "local-only" | "importing";
                /** Format: date-time */
                readonly since: string;
            } | null;
            /** @enum {string} */
            readonly state: "local-only" | "synchronized" | "stale-server";
            readonly uid: number | null;
            readonly uid_validity: number | null;
            readonly uploaded_version: number | null;
        };
        readonly DraftVsSent: {
            readonly account_id: string;
            readonly changed: boolean;
            /** Format: date-time */
            readonly created_at: string;
            /** @description With `diff=words`; null where the two have next to nothing in common */
            readonly diff?: readonly components["schemas"]["WordChange"][] | null;
            readonly draft_body: string;
            readonly draft_subject: string;
            readonly edit_distance: number;
            /** @enum {string} */
            readonly evidence: "exact" | "strong" | "probable";
            readonly message_id: string;
            readonly minutes_to_send: number;
            readonly scenario: string | null;
            readonly score: number;
            /** Format: date-time */
            readonly sent_at: string;
            readonly sent_body: string;
            readonly sent_subject: string;
            readonly sent_to: string;
            readonly similarity: number;
            readonly user_id: string;
            /** @enum {string} */
            readonly verdict: "pending" | "sent-unchanged" | "sent-edited" | "replied-without-draft" | "discarded" | "unknown";
        };
        readonly Event: {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            /** @enum {string} */
            readonly type: "account-added" | "account-changed" | "account-removed";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            /** @enum {string} */
            readonly type: "draft-created" | "draft-discarded" | "draft-undiscarded";
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly fields_changed: readonly string[];
            /** @constant */
            readonly type: "draft-saved";
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            readonly cursor: number;
            readonly draft_id: string;
            /** @constant */
            readonly type: "draft-approved";
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly succeeds: string | null;
            /** @constant */
            readonly type: "draft-imported";
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly from_account_id: string;
            /** @constant */
            readonly type: "draft-moved";
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly sent_message_id: string | null;
            /** @constant */
            readonly type: "draft-purged";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            /** @enum {string} */
            readonly state: "local-only" | "synchronized" | "stale-server";
            /** @constant */
            readonly type: "draft-sync-changed";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly required: boolean;
            /** @constant */
            readonly type: "review-changed";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly conflict_id: string;
            readonly cursor: number;
            readonly draft_id: string;
            /** @enum {string} */
            readonly type: "conflict-raised" | "conflict-resolved";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly attempt_id: string;
            readonly cursor: number;
            readonly draft_id: string;
            /** @enum {string} */
            readonly method: "append" | "append-catenate" | "replace" | "replace-catenate";
            /** @constant */
            readonly type: "upload-started";
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly attempt_id: string;
            readonly bytes_sent: number;
            readonly cursor: number;
            readonly draft_id: string;
            readonly folder: string;
            readonly message_id: string;
            /** @enum {string} */
            readonly method: "append" | "append-catenate" | "replace" | "replace-catenate";
            readonly replaced: boolean;
            /** @constant */
            readonly type: "upload-finished";
            readonly uid: number;
            readonly uid_validity: number;
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly folder: string;
            /** @constant */
            readonly type: "copy-removed";
            readonly uid: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly error: components["schemas"]["LastError"] | null;
            /** @constant */
            readonly type: "losses-held";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            /** Format: date-time */
            readonly due_at: string;
            readonly send_id: string;
            /** @constant */
            readonly type: "send-queued";
            readonly version: number;
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly error: components["schemas"]["SendReason"] | null;
            /** @enum {string} */
            readonly phase: "queued" | "checked" | "frozen" | "transmitting" | "dotting" | "accepted" | "filed" | "verified" | "cleaned" | "cancelled" | "failed" | "unknown" | "parked";
            readonly send_id: string;
            /** @enum {string} */
            readonly status: "queued" | "sending" | "sent" | "failed" | "cancelled" | "unknown";
            /** @constant */
            readonly type: "send-status-changed";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly reason: components["schemas"]["SendReason"];
            readonly send_id: string;
            /** @constant */
            readonly type: "send-bounced";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly outcome_id: string;
            /** @constant */
            readonly type: "outcome.created";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            readonly kept: boolean;
            readonly outcome_id: string;
            readonly superseded_by: string;
            /** @constant */
            readonly type: "outcome.superseded";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly draft_id: string;
            /** @enum {string} */
            readonly evidence: "exact" | "strong" | "probable";
            readonly outcome_id: string;
            /** @constant */
            readonly type: "outcome.sent";
            /** @enum {string} */
            readonly verdict: "pending" | "sent-unchanged" | "sent-edited" | "replied-without-draft" | "discarded" | "unknown";
        } | {
            readonly account_id: string;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            readonly error: components["schemas"]["LastError"] | null;
            readonly key: string;
            readonly kind: string;
            readonly next_run_at: string | null;
            readonly task_id: string;
            /** @enum {string} */
            readonly type: "task-retrying" | "task-parked" | "task-failed";
        } | {
            readonly account_id: null;
            /** Format: date-time */
            readonly at: string;
            readonly cursor: number;
            /** @constant */
            readonly type: "webhook-disabled";
            readonly webhook_id: string;
        };
        readonly ImportReport: {
            readonly bytes_read: number;
            readonly bytes_uncompressed: number;
            readonly counts: {
                readonly conflict: number;
                readonly created: number;
                readonly kept: number;
                readonly restored: number;
                readonly unchanged: number;
                readonly updated: number;
            };
            readonly drafts: number;
            readonly files: number;
            readonly items: readonly {
                readonly conflict_id: string | null;
                readonly draft_id: string;
                /** @enum {string} */
                readonly outcome: "created" | "restored" | "updated" | "unchanged" | "conflict" | "kept";
                readonly version: number;
            }[];
        };
        readonly LastError: {
            /** Format: date-time */
            readonly at: string;
            readonly code: string;
            readonly message: string;
        };
        /** @description What came of a request, under its id; a tool that fails is a result with `isError` */
        readonly McpAnswer: {
            readonly id: string | number;
            /** @constant */
            readonly jsonrpc: "2.0";
            readonly result: {
                readonly _meta?: {
                    readonly progressToken?: string | number;
                } & {
                    readonly [key: string]: unknown;
                };
            } & {
                readonly [key: string]: unknown;
            };
        } | {
            readonly error: {
                readonly code: number;
                readonly data?: unknown;
                readonly message: string;
            };
            readonly id?: string | number;
            /** @constant */
            readonly jsonrpc: "2.0";
        };
        /** @description A message of JSON-RPC 2.0: a request, or a notification or an answer, to which nothing is said. No batch. */
        readonly McpMessage: {
            readonly [key: string]: unknown;
        } | {
            readonly id: string | number;
            /** @constant */
            readonly jsonrpc: "2.0";
            /**
             * @example initialize
             * @example ping
             * @example tools/list
             * @example tools/call
             */
            readonly method: string;
            readonly params?: {
                readonly _meta?: {
                    readonly progressToken?: string | number;
                } & {
                    readonly [key: string]: unknown;
                };
            } & {
                readonly [key: string]: unknown;
            };
        } | {
            /** @constant */
            readonly jsonrpc: "2.0";
            /** @example notifications/initialized */
            readonly method: string;
            readonly params?: {
                readonly _meta?: {
                    readonly progressToken?: string | number;
                } & {
                    readonly [key: string]: unknown;
                };
            } & {
                readonly [key: string]: unknown;
            };
        } | {
            readonly id: string | number;
            /** @constant */
            readonly jsonrpc: "2.0";
            readonly result: {
                readonly _meta?: {
                    readonly progressToken?: string | number;
                } & {
                    readonly [key: string]: unknown;
                };
            } & {
                readonly [key: string]: unknown;
            };
        } | {
            readonly error: {
                readonly code: number;
                readonly data?: unknown;
                readonly message: string;
            };
            readonly id?: string | number;
            /** @constant */
            readonly jsonrpc: "2.0";
        };
        readonly McpRefusal: {
            readonly error: {
                readonly code: number;
                readonly data?: unknown;
                readonly message: string;
            };
            readonly id: null;
            /** @constant */
            readonly jsonrpc: "2.0";
        };
        readonly NewAccount: {
            readonly address: string & (unknown & unknown);
            readonly auth?: components["schemas"]["OAuth2"];
            readonly imap: components["schemas"]["ServerSettings"];
            readonly name?: string;
            readonly smtp?: components["schemas"]["ServerSettings"];
        };
        readonly NewDraft: {
            readonly bcc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly cc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly from?: (string | {
                readonly address: string;
                readonly name?: string | null;
            }) | null;
            readonly html?: string | null;
            readonly in_reply_to?: string | null;
            readonly metadata?: {
                readonly [key: string]: unknown;
            } | null;
            /** @enum {string} */
            readonly policy?: "sync" | "local-only";
            readonly references?: readonly string[] | null;
            readonly review?: {
                readonly required: boolean;
            } | null;
            readonly subject?: string | null;
            readonly tags?: readonly string[] | null;
            /** Format: uuid */
            readonly template_id?: string;
            readonly text?: string | null;
            readonly to?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
        };
        readonly NewMail: {
            /** Format: uuid */
            readonly account_id?: string;
            readonly bcc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly cc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly confirm?: boolean;
            readonly from?: (string | {
                readonly address: string;
                readonly name?: string | null;
            }) | null;
            readonly from_email?: string;
            readonly hold_at_server?: boolean;
            readonly html?: string | null;
            readonly in_reply_to?: string | null;
            readonly metadata?: {
                readonly [key: string]: unknown;
            } | null;
            readonly references?: readonly string[] | null;
            /** Format: date-time */
            readonly send_at?: string;
            readonly subject?: string | null;
            readonly tags?: readonly string[] | null;
            readonly text?: string | null;
            readonly to?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly undo_seconds?: number;
        };
        readonly NewReply: {
            readonly folder?: string;
            readonly message_id: string;
            /** @enum {string} */
            readonly mode: "reply" | "reply_all" | "forward";
            /** @enum {string} */
            readonly policy?: "sync" | "local-only";
            readonly review?: {
                readonly required: boolean;
            } | null;
        };
        readonly NewTemplate: {
            readonly bcc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly cc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly from?: (string | {
                readonly address: string;
                readonly name?: string | null;
            }) | null;
            readonly html?: string | null;
            readonly in_reply_to?: string | null;
            readonly metadata?: {
                readonly [key: string]: unknown;
            } | null;
            readonly name: string;
            readonly references?: readonly string[] | null;
            readonly subject?: string | null;
            readonly tags?: readonly string[] | null;
            readonly text?: string | null;
            readonly to?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
        };
        readonly NewToken: {
            readonly expires_at?: string | null;
            readonly name?: string;
            readonly scopes: readonly ("read" | "write" | "send" | "approve" | "admin")[];
            readonly tenant_id?: string;
            readonly user_id?: string;
        };
        readonly NewWebhook: {
            /** Format: uuid */
            readonly account_id?: string;
            /** @default false */
            readonly allow_private?: boolean;
            readonly events?: readonly ("account-added" | "account-changed" | "account-removed" | "draft-created" | "draft-saved" | "draft-discarded" | "draft-undiscarded" | "draft-imported" | "draft-moved" | "draft-purged" | "draft-sync-changed" | "draft-approved" | "review-changed" | "conflict-raised" | "conflict-resolved" | "upload-started" | "upload-finished" | "copy-removed" | "losses-held" | "send-queued" | "send-status-changed" | "send-bounced" | "outcome.created" | "outcome.superseded" | "outcome.sent" | "task-retrying" | "task-parked" | "task-failed" | "webhook-disabled")[];
            readonly url: string;
        };
        readonly NewWebhookSecret: {
            readonly previous_valid_seconds?: number;
        };
        /** @description Access tokens, got by a refresh token (RFC 6749 §6) */
        readonly OAuth2: {
            readonly client_id: string;
            readonly client_secret?: string;
            readonly refresh_token: string;
            readonly scope?: string;
            readonly token_endpoint: string & (unknown & unknown);
            /** @constant */
            readonly type: "oauth2";
        };
        readonly OpenDraft: {
            readonly device_id: string;
            readonly draft_id: string;
            /** Format: date-time */
            readonly expires_at: string;
        };
        readonly OutcomeCounts: {
            readonly draft_created: number;
            readonly sent: number;
            readonly superseded: number;
        };
        readonly OutcomeTrend: {
            readonly acceptance_rate: number | null;
            readonly draft_created: number;
            readonly median_edit_distance: number | null;
            readonly median_minutes_to_send: number | null;
            readonly scenario: string | null;
            readonly sent: number;
            readonly superseded: number;
            /**
             * Format: date
             * @description The Monday with which it began, UTC
             */
            readonly week: string;
        };
        /** @description RFC 9457 problem document with a stable code */
        readonly Problem: {
            /** @enum {string} */
            readonly code: "VALIDATION_ERROR" | "UNAUTHENTICATED" | "UNAUTHORIZED" | "APPROVAL_REQUIRED" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "REQUEST_TIMEOUT" | "NOT_A_DRAFT" | "NOT_DISCARDED" | "TOO_LATE" | "CONFLICT" | "UNSENT_DRAFTS" | "IN_FLIGHT" | "CANCELLED" | "VERSION_MISMATCH" | "TOO_LARGE" | "UNSUPPORTED_MEDIA_TYPE" | "RANGE_NOT_SATISFIABLE" | "WRONG_HOST" | "UNSENDABLE" | "NO_SUBMISSION" | "IDEMPOTENCY_KEY_REUSED" | "CERTIFICATE" | "AUTH_FAILED" | "REFUSED" | "RATE_LIMITED" | "HEADERS_TOO_LARGE" | "INTERNAL_ERROR" | "STORAGE_ERROR" | "STORAGE_IN_USE" | "STORAGE_TOO_NEW" | "SECRETS_LOCKED" | "CLOSED" | "UNREACHABLE" | "TIMEOUT" | "CONNECTION_LOST" | "ABORTED";
            readonly conflict_id?: string;
            readonly detail: string;
            readonly errors?: readonly {
                readonly message: string;
                readonly path: string;
            }[];
            readonly status: number;
            readonly title: string;
            readonly type: string;
        };
        readonly Released: {
            readonly released: number;
        };
        readonly Resolution: {
            readonly bcc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly cc?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
            readonly from?: (string | {
                readonly address: string;
                readonly name?: string | null;
            }) | null;
            readonly html?: string | null;
            readonly in_reply_to?: string | null;
            readonly metadata?: {
                readonly [key: string]: unknown;
            } | null;
            readonly references?: readonly string[] | null;
            /** @enum {string} */
            readonly strategy?: "local-wins" | "remote-wins" | "merge";
            readonly subject?: string | null;
            readonly tags?: readonly string[] | null;
            readonly text?: string | null;
            readonly to?: (string | {
                readonly address: string;
                readonly name?: string | null;
            } | readonly (string | {
                readonly address: string;
                readonly name?: string | null;
            })[]) | null;
        };
        readonly Responder: {
            readonly account_id: string;
            readonly allow_private: boolean;
            readonly cooldown_seconds: number;
            /** Format: date-time */
            readonly created_at: string;
            readonly filters: {
                readonly from?: readonly string[];
                readonly headers?: {
                    readonly [key: string]: readonly string[];
                };
                readonly list_id?: readonly string[];
                readonly subject?: readonly string[];
                readonly to?: readonly string[];
            };
            readonly hourly_limit: number;
            readonly module: string | null;
            readonly scenario: string | null;
            readonly secret?: string;
            readonly timeout_seconds: number;
            /** Format: date-time */
            readonly updated_at: string;
            readonly url: string | null;
        };
        readonly ResponderSettings: {
            /** @default false */
            readonly allow_private?: boolean;
            /** @default 0 */
            readonly cooldown_seconds?: number;
            readonly filters?: {
                readonly from?: readonly string[];
                readonly headers?: {
                    readonly [key: string]: readonly string[];
                };
                readonly list_id?: readonly string[];
                readonly subject?: readonly string[];
                readonly to?: readonly string[];
            };
            /** @default 100 */
            readonly hourly_limit?: number;
            readonly module?: string;
            readonly scenario?: string | null;
            /** @default 30 */
            readonly timeout_seconds?: number;
            readonly url?: string;
        };
        readonly Review: {
            readonly approved: boolean;
            readonly approved_at: string | null;
            readonly approved_by: string | null;
            readonly approved_version: number | null;
            readonly required: boolean;
        };
        readonly ReviewChanges: {
            readonly changes: readonly {
                readonly after: unknown;
                readonly before: unknown;
                /** @enum {string} */
                readonly field: "from" | "to" | "cc" | "bcc" | "subject" | "in_reply_to" | "references" | "attachments" | "metadata" | "tags" | "text" | "html" | "other_parts";
            }[];
            readonly review: components["schemas"]["Review"] | null;
            readonly since: number | null;
            readonly version: number;
        };
        readonly Revision: {
            /** @enum {string} */
            readonly by: "user" | "program" | "foreign";
            readonly bytes: number;
            readonly device: string;
            readonly fields_changed: readonly string[];
            /** Format: date-time */
            readonly saved_at: string;
            readonly version: number;
        };
        readonly ScenarioCounts: {
            readonly draft_created: number;
            readonly scenario: string | null;
            readonly sent: number;
            readonly superseded: number;
        };
        readonly Send: {
            readonly account_id: string;
            readonly attempts: number;
            /** Format: date-time */
            readonly created_at: string;
            readonly draft_id: string;
            readonly error: components["schemas"]["SendReason"] | null;
            readonly events: readonly {
                /** Format: date-time */
                readonly at: string;
                /** @enum {string} */
                readonly phase: "queued" | "checked" | "frozen" | "transmitting" | "dotting" | "accepted" | "filed" | "verified" | "cleaned" | "cancelled" | "failed" | "unknown" | "parked";
                readonly reason: components["schemas"]["SendReason"] | null;
                readonly type: string;
            }[];
            readonly from_addr: string;
            readonly held: boolean;
            readonly held_until: string | null;
            readonly id: string;
            readonly message_id: string;
            readonly next_attempt_at: string | null;
            /** @enum {string} */
            readonly phase: "queued" | "checked" | "frozen" | "transmitting" | "dotting" | "accepted" | "filed" | "verified" | "cleaned" | "cancelled" | "failed" | "unknown" | "parked";
            readonly queue_id: string | null;
            readonly recipients: readonly {
                readonly address: string;
                readonly reply: components["schemas"]["SendReason"] | null;
                /** @enum {string} */
                readonly status: "pending" | "in-flight" | "accepted" | "refused" | "temporary" | "bounced" | "unknown" | "cancelled";
            }[];
            readonly sent_at: string | null;
            /** @enum {string} */
            readonly status: "queued" | "sending" | "sent" | "failed" | "cancelled" | "unknown";
            readonly subject: string;
            readonly to_addr: string;
            readonly verified_at: string | null;
            readonly version: number;
        };
        readonly SendOptions: {
            readonly confirm?: boolean;
            readonly hold_at_server?: boolean;
            /** Format: date-time */
            readonly send_at?: string;
            readonly undo_seconds?: number;
        };
        readonly SendReason: {
            readonly code: string;
            readonly message: string;
        };
        readonly SendResolution: {
            /** @enum {string} */
            readonly as: "sent" | "send_again";
        };
        readonly Server: {
            readonly allow_untrusted: boolean;
            /** @enum {string} */
            readonly auth: "password" | "oauth2";
            readonly host: string;
            readonly port: number;
            readonly proxy: string | null;
            /** @enum {string} */
            readonly security: "tls" | "starttls" | "none";
            readonly user: string;
        };
        readonly ServerSentEvent: {
            readonly data: string;
            readonly event: string;
            readonly id?: string;
            readonly retry?: number;
        };
        readonly ServerSettings: {
            readonly allow_untrusted?: boolean;
            readonly auth?: components["schemas"]["OAuth2"];
            readonly host: string & (unknown & unknown);
            readonly password?: string;
            readonly port: number;
            readonly proxy?: string & (unknown & unknown);
            /** @enum {string} */
            readonly security: "tls" | "starttls" | "none";
            readonly user: string;
        };
        readonly SuggestionRequest: {
            readonly instructions?: string;
            /** @default 30 */
            readonly timeout_seconds?: number;
            /** Format: uuid */
            readonly webhook_id: string;
        };
        readonly Suggestions: {
            readonly items: readonly {
                readonly html: string | null;
                readonly label: string | null;
                readonly subject: string | null;
                readonly text: string | null;
            }[];
        };
        readonly SyncReport: {
            readonly bytes_received: number;
            readonly bytes_sent: number;
            readonly errors: readonly components["schemas"]["LastError"][];
            readonly imported: number;
            readonly pending: number;
            readonly purged: number;
            readonly replaced: number;
            readonly uploaded: number;
        };
        readonly Task: {
            readonly account_id: string;
            readonly attempts: number;
            /** Format: date-time */
            readonly created_at: string;
            readonly id: string;
            readonly key: string;
            readonly kind: string;
            readonly last_error: components["schemas"]["LastError"] | null;
            readonly next_run_at: string | null;
            /** @enum {string} */
            readonly state: "waiting" | "running" | "parked" | "failed";
            readonly superseded: number;
        };
        readonly TaskDetails: {
            readonly account_id: string;
            readonly attempts: number;
            /** Format: date-time */
            readonly created_at: string;
            readonly id: string;
            readonly key: string;
            readonly kind: string;
            readonly last_error: components["schemas"]["LastError"] | null;
            readonly next_run_at: string | null;
            /** @enum {string} */
            readonly state: "waiting" | "running" | "parked" | "failed" | "done" | "cancelled";
            readonly superseded: number | null;
            readonly timeline: readonly components["schemas"]["TaskStep"][];
        };
        readonly TaskStep: {
            /** Format: date-time */
            readonly at: string;
            readonly error: components["schemas"]["LastError"] | null;
            /** @enum {string} */
            readonly what: "planned" | "started" | "done" | "retrying" | "offline" | "parked" | "failed" | "cancelled";
        };
        readonly Template: {
            readonly account_id: string;
            readonly bcc: readonly components["schemas"]["Address"][];
            readonly cc: readonly components["schemas"]["Address"][];
            /** Format: date-time */
            readonly created_at: string;
            readonly from: components["schemas"]["Address"] | null;
            readonly html: string | null;
            readonly id: string;
            readonly in_reply_to: string | null;
            readonly metadata: {
                readonly [key: string]: unknown;
            };
            readonly name: string;
            readonly references: readonly string[];
            readonly subject: string;
            readonly tags: readonly string[];
            readonly text: string;
            readonly to: readonly components["schemas"]["Address"][];
            /** Format: date-time */
            readonly updated_at: string;
        };
        readonly Token: {
            /** Format: date-time */
            readonly created_at: string;
            readonly expires_at: string | null;
            readonly id: string;
            readonly last_used_at: string | null;
            readonly name: string;
            readonly scopes: readonly ("read" | "write" | "send" | "approve" | "admin")[];
            readonly tenant_id: string;
            readonly user_id: string;
        };
        readonly UserCounts: {
            readonly draft_created: number;
            readonly sent: number;
            readonly superseded: number;
            readonly user_id: string;
            readonly user_name: string;
        };
        readonly Webhook: {
            readonly account_id: string | null;
            readonly allow_private: boolean;
            /** Format: date-time */
            readonly created_at: string;
            readonly disabled_at: string | null;
            readonly events: readonly ("account-added" | "account-changed" | "account-removed" | "draft-created" | "draft-saved" | "draft-discarded" | "draft-undiscarded" | "draft-imported" | "draft-moved" | "draft-purged" | "draft-sync-changed" | "draft-approved" | "review-changed" | "conflict-raised" | "conflict-resolved" | "upload-started" | "upload-finished" | "copy-removed" | "losses-held" | "send-queued" | "send-status-changed" | "send-bounced" | "outcome.created" | "outcome.superseded" | "outcome.sent" | "task-retrying" | "task-parked" | "task-failed" | "webhook-disabled")[] | null;
            readonly failing_since: string | null;
            readonly failures: number;
            readonly id: string;
            readonly next_attempt_at: string | null;
            readonly previous_secret_expires_at: string | null;
            /** @enum {string} */
            readonly status: "active" | "failing" | "disabled";
            readonly url: string;
        };
        readonly WebhookChanges: {
            readonly enabled?: boolean;
            readonly events?: readonly ("account-added" | "account-changed" | "account-removed" | "draft-created" | "draft-saved" | "draft-discarded" | "draft-undiscarded" | "draft-imported" | "draft-moved" | "draft-purged" | "draft-sync-changed" | "draft-approved" | "review-changed" | "conflict-raised" | "conflict-resolved" | "upload-started" | "upload-finished" | "copy-removed" | "losses-held" | "send-queued" | "send-status-changed" | "send-bounced" | "outcome.created" | "outcome.superseded" | "outcome.sent" | "task-retrying" | "task-parked" | "task-failed" | "webhook-disabled")[] | null;
            readonly url?: string;
        };
        readonly WebhookDelivery: {
            /** Format: date-time */
            readonly at: string;
            readonly attempt: number;
            readonly cursor: number | null;
            readonly duration_ms: number;
            readonly error: ("REFUSED" | "REDIRECT" | "FORBIDDEN_ADDRESS" | "UNREACHABLE" | "CERTIFICATE" | "TIMEOUT" | "SECRETS_LOCKED") | null;
            readonly event: ("account-added" | "account-changed" | "account-removed" | "draft-created" | "draft-saved" | "draft-discarded" | "draft-undiscarded" | "draft-imported" | "draft-moved" | "draft-purged" | "draft-sync-changed" | "draft-approved" | "review-changed" | "conflict-raised" | "conflict-resolved" | "upload-started" | "upload-finished" | "copy-removed" | "losses-held" | "send-queued" | "send-status-changed" | "send-bounced" | "outcome.created" | "outcome.superseded" | "outcome.sent" | "task-retrying" | "task-parked" | "task-failed" | "webhook-disabled") | "ping";
            readonly status: number | null;
        };
        readonly WordChange: {
            /** @enum {string} */
            readonly kind: "same" | "added" | "removed";
            readonly text: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
