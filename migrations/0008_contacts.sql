-- Who an order belongs to, as the shop registered it. It may come before or after the provider's first word of the
-- order. All personal data that the shop gives us is in this table and nowhere else.
CREATE TABLE contacts (
    source text NOT NULL,
    order_ref text NOT NULL,
    email text NOT NULL,
    name text,
    locale text,
    time_zone text,
    reference text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT contacts_pkey PRIMARY KEY (source, order_ref),
    CONSTRAINT contacts_order_ref_check CHECK (char_length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT contacts_email_check CHECK (char_length(email) BETWEEN 3 AND 254)
);

-- For the clock: orders that nobody has spoken of.
CREATE INDEX contacts_created_at_idx ON contacts (created_at);
-- For a contact that comes late.
CREATE INDEX deliveries_waiting_idx ON deliveries (action_id) WHERE status = 'waiting_contact';

-- Each attempt to deliver, and what came of it: an operator's answer to "why".
CREATE TABLE attempts (
    action_id uuid NOT NULL,
    channel text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    result text NOT NULL,
    error text,
    CONSTRAINT attempts_delivery_fkey
        FOREIGN KEY (action_id, channel) REFERENCES deliveries (action_id, channel) ON DELETE CASCADE,
    CONSTRAINT attempts_result_check CHECK (result IN ('sent', 'failed', 'superseded', 'waiting_contact', 'postponed'))
);

CREATE INDEX attempts_delivery_idx ON attempts (action_id, channel, at);
