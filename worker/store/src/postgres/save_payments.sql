UPDATE payments SET
    direction = new.direction,
    status = new.status,
    provider_status = new.provider_status,
    status_at = new.status_at,
    amount = new.amount,
    code = new.code,
    payer_email = new.payer_email,
    failure_reason = new.failure_reason,
    operation_ref = new.operation_ref,
    description = new.description,
    mode = new.mode,
    created_at = new.created_at,
    updated_at = new.updated_at,
    confirmation = new.confirmation,
    blocks = new.blocks
FROM JSON_POPULATE_RECORDSET(NULL::payments, $1::json) AS new
WHERE payments.source = new.source AND payments.payment_ref = new.payment_ref
