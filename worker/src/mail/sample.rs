//! Payloads as they really come, for previews and for the check of templates; all names and numbers are invented.

use serde_json::{Map, Value, json};
use shared::action::ActionKind;
use shared::contact::Contact;

use super::Brand;

/// Every kind that a customer is mailed about.
pub const MAILED: [ActionKind; 20] = [
    ActionKind::EsimReady,
    ActionKind::EsimInstalled,
    ActionKind::EsimActivated,
    ActionKind::LowData,
    ActionKind::DataDepleted,
    ActionKind::ExpiringSoon,
    ActionKind::EsimExpired,
    ActionKind::EsimSuspended,
    ActionKind::EsimCancelled,
    ActionKind::EsimRevoked,
    ActionKind::OrderFailed,
    ActionKind::OrderCancelled,
    ActionKind::SimShipped,
    ActionKind::SimDelivered,
    ActionKind::ReturnApproved,
    ActionKind::ReturnRejected,
    ActionKind::PaymentSucceeded,
    ActionKind::PaymentFailed,
    ActionKind::PayoutSucceeded,
    ActionKind::PayoutFailed,
];

/// A whole payload of the kind, as an action carries it.
pub fn sample(kind: ActionKind) -> Value {
    match kind {
        ActionKind::EsimReady => esim("allocated", "released", json!({ "install": install() })),
        ActionKind::EsimInstalled => esim("allocated", "enabled", json!({})),
        ActionKind::EsimActivated => esim("active", "enabled", json!({})),
        ActionKind::LowData => {
            esim("active", "enabled", json!({ "used_percent": 80, "used_bytes": 8_697_308_774_u64 }))
        }
        ActionKind::DataDepleted => esim("depleted", "enabled", json!({ "used_bytes": 10_737_418_240_u64 })),
        ActionKind::ExpiringSoon => {
            esim("active", "enabled", json!({ "days_left": 3, "used_bytes": 6_227_702_579_u64 }))
        }
        ActionKind::EsimExpired => esim("expired", "enabled", json!({ "used_bytes": 9_663_676_416_u64 })),
        ActionKind::EsimSuspended => esim("suspended", "enabled", json!({})),
        ActionKind::EsimCancelled => esim("cancelled", "released", json!({})),
        ActionKind::EsimRevoked => esim("revoked", "enabled", json!({})),
        ActionKind::OrderFailed => {
            order("failed", "Europe (39 countries), 10 GB, 30 days", json!({ "failure_reason": "Out of stock" }))
        }
        ActionKind::OrderCancelled => order("cancelled", "Europe (39 countries), 10 GB, 30 days", json!({})),
        ActionKind::SimShipped => order("shipping", "Southeast Asia SIM (7 countries), data only, 3 days", json!({})),
        ActionKind::SimDelivered => {
            order("completed", "Southeast Asia SIM (7 countries), data only, 3 days", json!({}))
        }
        ActionKind::ReturnApproved => return_request("approved"),
        ActionKind::ReturnRejected => return_request("rejected"),
        ActionKind::PaymentSucceeded => payment("payin", "succeeded", json!({})),
        ActionKind::PaymentFailed => payment("payin", "cancelled", json!({})),
        ActionKind::PayoutSucceeded => payment("payout", "succeeded", json!({ "description": "Commission for March" })),
        ActionKind::PayoutFailed => payment(
            "payout",
            "cancelled",
            json!({ "description": "Commission for March", "failure_reason": "The user can't receive payments" }),
        ),
        ActionKind::CreditLow => json!({ "used_percent": 80, "remaining": "225.35" }),
        ActionKind::OrderNeedsReview | ActionKind::ProviderSilent | ActionKind::WebhookRefuted => {
            order("completed", "Europe (39 countries), 10 GB, 30 days", json!({}))
        }
    }
}

/// A customer with everything that a shop may tell of one.
pub fn sample_contact(locale: &str) -> Contact {
    let (name, time_zone) = match locale.split('-').next() {
        Some("de") => ("Johanna Weiß", "Europe/Berlin"),
        Some("es") => ("Lucía Fernández", "Europe/Madrid"),
        Some("ja") => ("佐藤 美咲", "Asia/Tokyo"),
        _ => ("Alex Morgan", "Europe/London"),
    };
    Contact {
        email: "customer@example.com".to_owned(),
        name: Some(name.to_owned()),
        locale: Some(locale.to_owned()),
        time_zone: Some(time_zone.to_owned()),
        reference: Some("20481".to_owned()),
    }
}

/// A shop with everything that a shop may set.
pub fn sample_brand() -> Brand {
    Brand {
        name: "Wayfarer eSIM".to_owned(),
        color: "#0f5e5a".to_owned(),
        logo_url: None,
        support_email: Some("help@example.com".to_owned()),
        support_url: Some("https://example.com/help".to_owned()),
        top_up_url: Some("https://example.com/top-up".to_owned()),
        legal: Some("Wayfarer Ltd, 1 Example Street, London".to_owned()),
    }
}

fn esim(plan: &str, profile: &str, own: Value) -> Value {
    let known = json!({
        "esim_ref": "B26040206120003/8943108170001029645",
        "order_ref": "B26040206120003",
        "iccid": "8943108170001029645",
        "plan_status": plan,
        "profile_status": profile,
        "package_name": "Europe 10 GB, 30 days",
        "total_bytes": 10_737_418_240_u64,
        "used_bytes": 0,
        "expires_at": "2026-05-02T06:20:00Z",
    });
    with(known, own)
}

fn install() -> Value {
    json!({
        "activation_code": "LPA:1$rsp.example.com$K2-1VFXZ9-1M3QH7P",
        "smdp_address": "rsp.example.com",
        "matching_id": "K2-1VFXZ9-1M3QH7P",
        "confirmation_code": "482913",
        "apn": "plus.4g",
        "pin": "1234",
        "puk": "15095300",
        "qr_code_url": "https://example.com/qr.png",
        "apple_install_url":
            "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=LPA:1$rsp.example.com$K2-1VFXZ9-1M3QH7P",
    })
}

fn order(status: &str, package_name: &str, own: Value) -> Value {
    let known = json!({
        "order_ref": "7258737044",
        "status": status,
        "provider_status": status.to_uppercase(),
        "package_code": "E23XY06GB08DFX",
        "package_name": package_name,
        "amount": "9.50",
        "currency": "USD",
        "quantity": 2,
        "track_ref": "5b8e2f60-93d7-4a1c-8f45-e07c1d9b6a32",
    });
    with(known, own)
}

fn return_request(status: &str) -> Value {
    json!({
        "return_ref": "6741b9e4e65369e169a709c8",
        "order_ref": "7258737044",
        "status": status,
        "return_type": "partial",
        "refund_amount": "12.5",
        "reason": "Trip cancelled",
        "track_ref": "R-1042",
    })
}

fn payment(direction: &str, status: &str, own: Value) -> Value {
    let known = json!({
        "payment_ref": "2f6c1d84-7b0e-4a95-9c3d-5e8f1a2b4c6d",
        "direction": direction,
        "status": status,
        "amount": "24.90",
        "code": "order-20481",
        "payer_email": "customer@example.com",
        "description": "eSIM Europe 10 GB",
    });
    with(known, own)
}

fn with(known: Value, own: Value) -> Value {
    let fields = |value| match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    Value::Object(fields(known).into_iter().chain(fields(own)).collect())
}
