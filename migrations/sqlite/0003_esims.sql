CREATE TABLE esims (
    source TEXT NOT NULL,
    esim_ref TEXT NOT NULL,
    provider TEXT NOT NULL,
    order_ref TEXT,
    iccid TEXT,
    eid TEXT,
    provider_esim_ref TEXT,
    plan_status TEXT,
    provider_plan_status TEXT,
    plan_status_at TEXT,
    profile_status TEXT,
    provider_profile_status TEXT,
    profile_status_at TEXT,
    activation_code TEXT,
    total_bytes INTEGER,
    used_bytes INTEGER,
    usage_at TEXT,
    expires_at TEXT,
    package_name TEXT,
    mode TEXT NOT NULL DEFAULT 'live',
    created_at TEXT,
    updated_at TEXT,
    blocks TEXT NOT NULL DEFAULT '{}',
    confirmation TEXT,
    CONSTRAINT esims_pkey PRIMARY KEY (source, esim_ref),
    CONSTRAINT esims_esim_ref_check CHECK (length(esim_ref) BETWEEN 1 AND 400),
    CONSTRAINT esims_order_ref_check CHECK (length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT esims_plan_status_check CHECK (
        plan_status IN
        ('pending', 'allocated', 'active', 'suspended', 'depleted', 'expired', 'cancelled', 'revoked')
    ),
    CONSTRAINT esims_profile_status_check CHECK (
        profile_status IN ('released', 'downloaded', 'installed', 'enabled', 'disabled', 'deleted')
    ),
    CONSTRAINT esims_activation_code_check CHECK (substr(activation_code, 1, 4) = 'LPA:'),
    CONSTRAINT esims_bytes_check CHECK (total_bytes >= 0 AND used_bytes >= 0),
    CONSTRAINT esims_mode_check CHECK (mode IN ('live', 'test')),
    CONSTRAINT esims_confirmation_check CHECK (confirmation IN ('confirmed', 'unconfirmed', 'refuted'))
) STRICT;

CREATE INDEX esims_order_idx ON esims (source, order_ref);
CREATE INDEX esims_iccid_idx ON esims (iccid);
CREATE INDEX esims_expires_at_idx ON esims (expires_at)
    WHERE plan_status IS NULL OR plan_status NOT IN ('expired', 'cancelled', 'revoked');
