UPDATE esims SET
    order_ref = new.order_ref,
    iccid = new.iccid,
    eid = new.eid,
    provider_esim_ref = new.provider_esim_ref,
    plan_status = new.plan_status,
    provider_plan_status = new.provider_plan_status,
    plan_status_at = new.plan_status_at,
    profile_status = new.profile_status,
    provider_profile_status = new.provider_profile_status,
    profile_status_at = new.profile_status_at,
    activation_code = new.activation_code,
    total_bytes = new.total_bytes,
    used_bytes = new.used_bytes,
    usage_at = new.usage_at,
    expires_at = new.expires_at,
    package_name = new.package_name,
    mode = new.mode,
    created_at = new.created_at,
    updated_at = new.updated_at,
    confirmation = new.confirmation,
    blocks = new.blocks
FROM JSON_POPULATE_RECORDSET(NULL::esims, $1::json) AS new
WHERE esims.source = new.source AND esims.esim_ref = new.esim_ref
