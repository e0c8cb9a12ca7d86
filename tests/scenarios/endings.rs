//! In which rows and promises each sample ends. A value that begins with `@` is what the body has at that place.

use serde_json::{Value, json};

/// A row: its table, where in the body the parts of its reference are, and what it says.
pub(crate) type Row = (&'static str, &'static [&'static str], Value);

/// Of one sample: its name, the rows, and the kinds of the promises, sorted.
pub(crate) type Ending = (&'static str, Vec<Row>, &'static [&'static str]);

pub(crate) fn all() -> Vec<Ending> {
    [airalo(), yoni(), esim_access(), esim_access_2026(), simplifytrip(), airtm()].concat()
}

fn airalo() -> Vec<Ending> {
    let order = |request_id: &'static [&'static str]| {
        let row = json!({
            "status": "completed", "package_code": "kallur-digital-7days-1gb", "currency": "USD", "amount": 9.5,
            "package_name": "Kallur Digital-1 GB - 7 Days", "quantity": 1, "mode": "live", "needs_review": false,
        });
        let esim = json!({
            "order_ref": format!("@{}", request_id[0]), "iccid": "@/data/sims/0/iccid", "plan_status": "allocated",
            "activation_code": "@/data/sims/0/qrcode", "profile_status": null,
        });
        vec![("orders", request_id, row), ("esims", &["/data/sims/0/iccid"][..], esim)]
    };
    let failed = json!({
        "status": "failed", "failure_reason": "The requested operator is currently undergoing maintenance",
    });
    let warned = || json!({ "plan_status": null, "activation_code": null, "used_bytes": null });
    vec![
        ("airalo/async_order_root_request_id", order(&["/request_id"]), &["esim_ready"]),
        ("airalo/async_order_nested_request_id", order(&["/data/request_id"]), &["esim_ready"]),
        ("airalo/async_order_failed", vec![("orders", &["/request_id"], failed)], &["order_failed"]),
        ("airalo/low_data_75_percent", vec![("esims", &["/iccid"], warned())], &["low_data"]),
        ("airalo/low_data_3days", vec![("esims", &["/iccid"], warned())], &["expiring_soon"]),
        ("airalo/credit_limit", vec![], &["credit_low"]),
    ]
}

fn yoni() -> Vec<Ending> {
    let completed = vec![
        (
            "orders",
            &["/orderNo"][..],
            json!({ "status": "completed", "provider_status": "COMPLETED", "amount": 9.99, "currency": "SGD" }),
        ),
        (
            "esims",
            &["/iccid"][..],
            json!({ "order_ref": "@/orderNo", "plan_status": "allocated", "activation_code": "@/lpa" }),
        ),
    ];
    let failed = vec![("orders", &["/orderNo"][..], json!({ "status": "failed", "provider_status": "FAILED" }))];
    vec![("yoni/completed", completed, &["esim_ready"]), ("yoni/failed", failed, &["order_failed"])]
}

const EA_ORDER: &[&str] = &["/content/orderNo"];
const EA_ESIM: &[&str] = &["/content/orderNo", "/content/iccid"];

fn esim_access() -> Vec<Ending> {
    let order = json!({ "status": "completed", "provider_status": "GOT_RESOURCE", "status_at": null });
    let downloaded = json!({
        "iccid": "@/content/iccid", "eid": "@/content/eid", "provider_esim_ref": "@/content/esimTranNo",
        "plan_status": "allocated", "profile_status": "downloaded", "profile_status_at": "@/eventGenerateTime",
    });
    let in_use =
        json!({ "plan_status": "active", "profile_status": "enabled", "plan_status_at": "@/eventGenerateTime" });
    let used = json!({
        "total_bytes": 53_687_091_200_u64, "used_bytes": 48_335_585_458_u64, "usage_at": "@/content/lastUpdateTime",
        "plan_status": null,
    });
    let valid = json!({ "expires_at": "@/content/expiredTime", "plan_status": null });
    let cancelled = json!({ "plan_status": "cancelled", "profile_status": "released", "activation_code": null });
    vec![
        ("esim_access/check_health", vec![], &[]),
        ("esim_access/order_status", vec![("orders", EA_ORDER, order)], &[]),
        ("esim_access/smdp_event_download", vec![("esims", EA_ESIM, downloaded)], &[]),
        ("esim_access/esim_status_in_use", vec![("esims", EA_ESIM, in_use)], &["esim_activated", "esim_installed"]),
        ("esim_access/data_usage", vec![("esims", EA_ESIM, used)], &["low_data"]),
        ("esim_access/validity_usage", vec![("esims", EA_ESIM, valid)], &["expiring_soon"]),
        ("esim_access/esim_status_cancel", vec![("esims", EA_ESIM, cancelled)], &["esim_cancelled"]),
    ]
}

fn esim_access_2026() -> Vec<Ending> {
    let order = json!({
        "status": "completed", "status_at": "@/eventGenerateTime", "track_ref": "@/content/transactionId",
    });
    let installed = json!({ "plan_status": "allocated", "profile_status": "enabled", "eid": "@/content/eid" });
    let in_use = json!({ "plan_status": "active", "total_bytes": 5_368_709_120_u64, "used_bytes": 10_485_760 });
    let used = json!({ "total_bytes": 5_368_709_120_u64, "used_bytes": 2_684_354_560_u64 });
    let valid = json!({ "expires_at": "@/content/expiredTime" });
    vec![
        ("esim_access/order_status_2026", vec![("orders", EA_ORDER, order.clone())], &[]),
        ("esim_access/smdp_event_enabled_2026", vec![("esims", EA_ESIM, installed)], &["esim_installed"]),
        (
            "esim_access/esim_status_in_use_2026",
            vec![("esims", EA_ESIM, in_use), ("orders", EA_ORDER, order)],
            &["esim_activated", "esim_installed"],
        ),
        ("esim_access/data_usage_2026", vec![("esims", EA_ESIM, used)], &["low_data"]),
        ("esim_access/validity_usage_2026", vec![("esims", EA_ESIM, valid)], &["expiring_soon"]),
    ]
}

fn simplifytrip() -> Vec<Ending> {
    let success = |mode: &str| {
        let order = json!({
            "status": "completed", "product": "esim", "package_code": "E23XY06GB08DFX", "quantity": 1, "mode": mode,
            "status_at": "@/createdAt", "track_ref": "@/data/trackId",
        });
        let esim = json!({
            "order_ref": "@/data/orderId", "plan_status": "allocated", "mode": mode,
            "activation_code": "@/data/items/0/eSims/0/qrCodeContent",
        });
        vec![("orders", &["/data/orderId"][..], order), ("esims", &["/data/items/0/eSims/0/iccid"][..], esim)]
    };
    let failed = json!({ "status": "failed", "failure_reason": "Out of stock" });
    let delivered = json!({ "status": "completed", "product": "physical_sim", "quantity": 3, "mode": "test" });
    let reviewing = json!({
        "order_ref": "@/data/orderId", "status": "reviewing", "return_type": "full", "refund_amount": 205_000,
        "reason": "reason", "mode": "test",
    });
    let approved = json!({ "status": "approved", "return_type": "partial", "refund_amount": 12.5, "mode": "live" });
    vec![
        ("simplifytrip/esim_order_success", success("test"), &["esim_ready"]),
        ("simplifytrip/esim_order_success_live", success("live"), &["esim_ready"]),
        ("simplifytrip/esim_order_fail", vec![("orders", &["/data/orderId"], failed)], &["order_failed"]),
        ("simplifytrip/sim_order_update", vec![("orders", &["/data/orderId"], delivered)], &["sim_delivered"]),
        ("simplifytrip/return_update", vec![("returns", &["/data/id"], reviewing)], &[]),
        ("simplifytrip/return_approved", vec![("returns", &["/data/id"], approved)], &["return_approved"]),
    ]
}

fn airtm() -> Vec<Ending> {
    let bought = json!({
        "direction": "payin", "status": "succeeded", "amount": 1.00, "code": "@/code", "payer_email": "some@email.com",
        "status_at": "@/updated_at",
    });
    let paid_out = json!({ "direction": "payout", "status": "succeeded", "amount": 200.00, "failure_reason": null });
    let payin = json!({ "direction": "payin", "status": "succeeded", "amount": 24.9, "code": "@/data/code" });
    let bare = json!({ "direction": "payin", "status": "succeeded", "amount": 9.5 });
    let failed = json!({
        "direction": "payout", "status": "failed", "amount": 50, "failure_reason": "The user can't receive payments",
    });
    vec![
        ("airtm/purchase_confirmed", vec![("payments", &["/id"], bought)], &["payment_succeeded"]),
        ("airtm/payout_completed", vec![("payments", &["/id"], paid_out)], &["payout_succeeded"]),
        ("airtm/v2_payin_confirmed", vec![("payments", &["/data/id"], payin)], &["payment_succeeded"]),
        ("airtm/v2_payin_confirmed_bare", vec![("payments", &["/id"], bare)], &["payment_succeeded"]),
        ("airtm/v2_payout_failed", vec![("payments", &["/data/id"], failed)], &["payout_failed"]),
    ]
}
