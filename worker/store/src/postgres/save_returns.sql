UPDATE returns SET
    order_ref = new.order_ref,
    status = new.status,
    provider_status = new.provider_status,
    status_at = new.status_at,
    return_type = new.return_type,
    refund_amount = new.refund_amount,
    reason = new.reason,
    track_ref = new.track_ref,
    mode = new.mode,
    created_at = new.created_at,
    updated_at = new.updated_at,
    blocks = new.blocks
FROM JSON_POPULATE_RECORDSET(NULL::returns, $1::json) AS new
WHERE returns.source = new.source AND returns.return_ref = new.return_ref
