//! The values that a text may name: those of a payload, a contact and a brand, made safe and written for the locale.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use chrono::DateTime;
use chrono_tz::Tz;
use minijinja::Value as TemplateValue;
use rust_decimal::Decimal;
use serde_json::Value;
use shared::contact::Contact;

use crate::brand::Brand;
use crate::clean::{clean, web_address};
use crate::format::Format;
use crate::texts::Texts;

/// The rows that a mail's table may have; each has a label of the same name.
pub(crate) const FACTS: [&str; 13] = [
    "package", "reference", "quantity", "iccid", "data_total", "data_used", "data_left", "expires", "amount",
    "purpose", "payment_code", "return_ref", "return_type",
];

/// The values that a text may name besides the facts.
pub(crate) const OTHERS: [&str; 9] =
    ["brand", "support_email", "support_url", "top_up_url", "name", "used", "expires_date", "days_left", "cancelled"];

/// A longer value is cut, so that one name can't fill the mail.
const LENGTH_MAX: usize = 200;

/// The values by their names; an unknown value has no entry.
pub(crate) type Vars = BTreeMap<&'static str, TemplateValue>;

/// Collects the values.
pub(crate) fn gather(payload: &Value, contact: &Contact, brand: &Brand, labels: &Texts, format: &Format) -> Vars {
    let mut vars = Vars::new();
    let mut put = |name: &'static str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            vars.insert(name, TemplateValue::from(value));
        }
    };
    put("brand", Some(clean(&brand.name)));
    put("support_email", brand.support_email.as_deref().map(clean));
    put("support_url", web_address(brand.support_url.as_deref()).map(str::to_owned));
    put("top_up_url", web_address(brand.top_up_url.as_deref()).map(str::to_owned));
    put("name", contact.name.as_deref().map(clean));
    put("reference", contact.reference.as_deref().map(clean));
    put("package", text(payload, "package_name"));
    put("quantity", whole(payload, "quantity").filter(|count| *count > 1).map(|count| count.to_string()));
    put("iccid", text(payload, "iccid"));
    put("purpose", text(payload, "description"));
    put("payment_code", text(payload, "code"));
    put("return_ref", text(payload, "track_ref").filter(|_| payload.get("return_ref").is_some()));
    put("return_type", text(payload, "return_type").and_then(|word| return_type(&word, labels)));
    put("amount", decimal(payload, "amount").map(|amount| format.money(amount, text(payload, "currency").as_deref())));
    put("used", whole(payload, "used_percent").map(|percent| format.percent(percent)));
    if let Some((total, used)) = usage(payload) {
        put("data_total", Some(format.bytes(total, total)));
        put("data_used", Some(format.bytes(used.min(total), total)));
        put("data_left", Some(format.bytes(total.saturating_sub(used), total)));
    }
    if let Some(expires) = expiry(payload, contact) {
        put("expires", Some(format.date_time(&expires)));
        put("expires_date", Some(format.date(&expires)));
    }
    if let Some(days) = whole(payload, "days_left") {
        vars.insert("days_left", TemplateValue::from(days));
    }
    if text(payload, "status").as_deref() == Some("cancelled") {
        vars.insert("cancelled", TemplateValue::from(true));
    }
    vars
}

/// The used share of the data in %, for a bar.
pub(crate) fn used_percent(payload: &Value) -> Option<u64> {
    let exact = usage(payload).and_then(|(total, used)| u64::try_from(u128::from(used) * 100 / u128::from(total)).ok());
    exact.or_else(|| whole(payload, "used_percent")).map(|percent| percent.min(100))
}

fn text(payload: &Value, name: &str) -> Option<String> {
    let text = match payload.get(name)? {
        Value::String(text) => clean(text),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| text.chars().take(LENGTH_MAX).collect())
}

fn whole(payload: &Value, name: &str) -> Option<u64> {
    let value = payload.get(name)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn decimal(payload: &Value, name: &str) -> Option<Decimal> {
    Decimal::from_str(&text(payload, name)?).ok()
}

/// Total and used bytes. A total of 0 means that the total is unknown.
fn usage(payload: &Value) -> Option<(u64, u64)> {
    let total = whole(payload, "total_bytes").filter(|total| *total > 0)?;
    Some((total, whole(payload, "used_bytes")?))
}

fn expiry(payload: &Value, contact: &Contact) -> Option<DateTime<Tz>> {
    let at = DateTime::parse_from_rfc3339(payload.get("expires_at")?.as_str()?).ok()?;
    let zone = contact.time_zone.as_deref().and_then(|zone| Tz::from_str(zone.trim()).ok());
    Some(at.with_timezone(&zone.unwrap_or(Tz::UTC)))
}

/// Only known words are shown; another word would be in the provider's language.
fn return_type(word: &str, labels: &Texts) -> Option<String> {
    match word {
        "full" => Some(labels.text("return_full")),
        "partial" => Some(labels.text("return_partial")),
        _ => None,
    }
}
