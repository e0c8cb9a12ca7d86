-- Who an order belongs to, and which orders there are, as the shop registered them.
CREATE TABLE contacts (
    source TEXT NOT NULL,
    order_ref TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT,
    locale TEXT,
    time_zone TEXT,
    reference TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT contacts_pkey PRIMARY KEY (source, order_ref),
    CONSTRAINT contacts_order_ref_check CHECK (length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT contacts_email_check CHECK (length(email) BETWEEN 3 AND 254)
) STRICT;

CREATE TABLE registrations (
    source TEXT NOT NULL,
    order_ref TEXT NOT NULL,
    description TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    repaired_at TEXT,
    CONSTRAINT registrations_pkey PRIMARY KEY (source, order_ref),
    CONSTRAINT registrations_order_ref_check CHECK (length(order_ref) BETWEEN 1 AND 200)
) STRICT;

CREATE INDEX registrations_created_at_idx ON registrations (created_at);

-- Whom each action is for; see the view of the same name for PostgreSQL.
CREATE VIEW recipients AS
SELECT
    actions.id AS action_id,
    contacts.email,
    contacts.name,
    contacts.locale,
    contacts.time_zone,
    contacts.reference,
    contacts.order_ref = actions.payload ->> 'payment_ref' AS is_by_payment_ref
FROM actions
LEFT JOIN esims ON esims.source = actions.source AND esims.esim_ref = actions.esim_ref
INNER JOIN contacts
    ON
        contacts.source = actions.source
        AND contacts.order_ref IN (
            coalesce(esims.order_ref, actions.order_ref), actions.payload ->> 'payment_ref', actions.payload ->> 'code'
        );
