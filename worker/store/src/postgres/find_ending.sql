SELECT source, esim_ref, provider, mode, blocks
FROM esims
WHERE
    expires_at < $1
    AND (plan_status IS NULL OR plan_status NOT IN ('expired', 'cancelled', 'revoked'))
    AND (source, esim_ref) > ($2, $3)
ORDER BY source, esim_ref
LIMIT $4
