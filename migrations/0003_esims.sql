CREATE TABLE esims (
    source text NOT NULL,
    esim_ref text NOT NULL,
    provider text NOT NULL,
    order_ref text,
    iccid text,
    eid text,
    provider_esim_ref text,
    plan_status text,
    provider_plan_status text,
    plan_status_at timestamptz,
    profile_status text,
    provider_profile_status text,
    profile_status_at timestamptz,
    activation_code text,
    total_bytes bigint,
    used_bytes bigint,
    usage_at timestamptz,
    expires_at timestamptz,
    package_name text,
    mode text NOT NULL DEFAULT 'live',
    created_at timestamptz,
    updated_at timestamptz,
    blocks jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT esims_pkey PRIMARY KEY (source, esim_ref),
    CONSTRAINT esims_esim_ref_check CHECK (char_length(esim_ref) BETWEEN 1 AND 400),
    CONSTRAINT esims_order_ref_check CHECK (char_length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT esims_plan_status_check CHECK (
        plan_status IN
        ('pending', 'allocated', 'active', 'suspended', 'depleted', 'expired', 'cancelled', 'revoked')
    ),
    CONSTRAINT esims_profile_status_check CHECK (
        profile_status IN ('released', 'downloaded', 'installed', 'enabled', 'disabled', 'deleted')
    ),
    CONSTRAINT esims_activation_code_check CHECK (activation_code LIKE 'LPA:%'),
    CONSTRAINT esims_bytes_check CHECK (total_bytes >= 0 AND used_bytes >= 0),
    CONSTRAINT esims_mode_check CHECK (mode IN ('live', 'test'))
);

COMMENT ON COLUMN esims.plan_status IS 'null until the provider has said anything of the plan';
COMMENT ON COLUMN esims.profile_status IS 'null until the provider has said anything of the profile';
COMMENT ON COLUMN esims.provider_esim_ref IS 'eSIM Access: esimTranNo';

CREATE INDEX esims_order_idx ON esims (source, order_ref);
CREATE INDEX esims_iccid_idx ON esims (iccid);
CREATE INDEX esims_expires_at_idx ON esims (expires_at)
    WHERE plan_status IS NULL OR plan_status NOT IN ('expired', 'cancelled', 'revoked');
