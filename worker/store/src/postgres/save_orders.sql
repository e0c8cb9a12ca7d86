UPDATE orders SET
    status = new.status,
    provider_status = new.provider_status,
    status_at = new.status_at,
    needs_review = new.needs_review,
    failure_reason = new.failure_reason,
    product = new.product,
    package_code = new.package_code,
    package_name = new.package_name,
    amount = new.amount,
    currency = new.currency,
    quantity = new.quantity,
    track_ref = new.track_ref,
    mode = new.mode,
    created_at = new.created_at,
    updated_at = new.updated_at,
    confirmation = new.confirmation,
    blocks = new.blocks
FROM JSON_POPULATE_RECORDSET(NULL::orders, $1::json) AS new
WHERE orders.source = new.source AND orders.order_ref = new.order_ref
