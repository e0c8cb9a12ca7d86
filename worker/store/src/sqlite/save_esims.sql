UPDATE esims SET
    order_ref = new.value ->> 'order_ref',
    iccid = new.value ->> 'iccid',
    eid = new.value ->> 'eid',
    provider_esim_ref = new.value ->> 'provider_esim_ref',
    plan_status = new.value ->> 'plan_status',
    provider_plan_status = new.value ->> 'provider_plan_status',
    plan_status_at = new.value ->> 'plan_status_at',
    profile_status = new.value ->> 'profile_status',
    provider_profile_status = new.value ->> 'provider_profile_status',
    profile_status_at = new.value ->> 'profile_status_at',
    activation_code = new.value ->> 'activation_code',
    total_bytes = new.value ->> 'total_bytes',
    used_bytes = new.value ->> 'used_bytes',
    usage_at = new.value ->> 'usage_at',
    expires_at = new.value ->> 'expires_at',
    package_name = new.value ->> 'package_name',
    mode = new.value ->> 'mode',
    created_at = new.value ->> 'created_at',
    updated_at = new.value ->> 'updated_at',
    confirmation = new.value ->> 'confirmation',
    blocks = new.value -> 'blocks'
FROM json_each(?1) AS new
WHERE esims.source = new.value ->> 'source' AND esims.esim_ref = new.value ->> 'esim_ref'
