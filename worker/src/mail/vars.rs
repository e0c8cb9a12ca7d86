//! What a mail may say: the values of a payload, a contact and a brand, cleaned and written in the reader's form.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use chrono::DateTime;
use chrono_tz::Tz;
use minijinja::Value as Said;
use rust_decimal::Decimal;
use serde_json::Value;
use shared::contact::Contact;

use super::Brand;
use super::format::Format;
use super::texts::Words;

/// The rows that a mail's table may have; each has a label of the same name.
pub(super) const FACTS: [&str; 13] = [
    "package", "reference", "quantity", "iccid", "data_total", "data_used", "data_left", "expires", "amount",
    "purpose", "payment_code", "return_ref", "return_type",
];

/// What a text may name besides the facts.
pub(super) const OTHERS: [&str; 9] =
    ["brand", "support_email", "support_url", "top_up_url", "name", "used", "expires_date", "days_left", "cancelled"];

/// A value longer than this is cut: no name is, and a mail that is all one name tells nothing.
const LENGTH_MAX: usize = 200;

/// The values by their names; what is not known is not there.
pub(super) type Vars = BTreeMap<&'static str, Said>;

/// Gathers the values.
pub(super) fn gather(payload: &Value, contact: &Contact, brand: &Brand, labels: &Words, format: &Format) -> Vars {
    let mut vars = Vars::new();
    let mut put = |name: &'static str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            vars.insert(name, Said::from(value));
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
    put("return_type", text(payload, "return_type").and_then(|said| return_type(&said, labels)));
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
        vars.insert("days_left", Said::from(days));
    }
    if text(payload, "status").as_deref() == Some("cancelled") {
        vars.insert("cancelled", Said::from(true));
    }
    vars
}

/// One line of visible characters: no control characters that end a header, none that turn the direction of writing,
/// and no run of spaces.
pub(super) fn clean(text: &str) -> String {
    let is_hidden = |character: &char| {
        matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}')
    };
    let shown = text.chars().filter(|character| !is_hidden(character));
    let spaced: String = shown.map(|character| if character.is_control() { ' ' } else { character }).collect();
    // A space that does not break is there on purpose, between a number and its unit.
    let words = spaced.split(|character: char| character.is_whitespace() && character != '\u{a0}');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An address that a link may lead to, and nothing that runs.
pub(super) fn web_address(url: Option<&str>) -> Option<&str> {
    let is_web = |url: &&str| ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme) && *url != *scheme);
    let is_plain = |url: &&str| !url.chars().any(|character| character.is_control() || character.is_whitespace());
    url.map(str::trim).filter(is_web).filter(is_plain)
}

/// The share of the data that is used, for a bar.
pub(super) fn used_percent(payload: &Value) -> Option<u64> {
    let exact = usage(payload).and_then(|(total, used)| u64::try_from(u128::from(used) * 100 / u128::from(total)).ok());
    exact.or_else(|| whole(payload, "used_percent")).map(|percent| percent.min(100))
}

fn text(payload: &Value, name: &str) -> Option<String> {
    let said = match payload.get(name)? {
        Value::String(text) => clean(text),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!said.is_empty()).then(|| said.chars().take(LENGTH_MAX).collect())
}

fn whole(payload: &Value, name: &str) -> Option<u64> {
    let value = payload.get(name)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn decimal(payload: &Value, name: &str) -> Option<Decimal> {
    Decimal::from_str(&text(payload, name)?).ok()
}

/// An allowance of nothing is one that nobody told us.
fn usage(payload: &Value) -> Option<(u64, u64)> {
    let total = whole(payload, "total_bytes").filter(|total| *total > 0)?;
    Some((total, whole(payload, "used_bytes")?))
}

fn expiry(payload: &Value, contact: &Contact) -> Option<DateTime<Tz>> {
    let at = DateTime::parse_from_rfc3339(payload.get("expires_at")?.as_str()?).ok()?;
    let zone = contact.time_zone.as_deref().and_then(|zone| Tz::from_str(zone.trim()).ok());
    Some(at.with_timezone(&zone.unwrap_or(Tz::UTC)))
}

/// The provider's own word would be in the provider's language.
fn return_type(said: &str, labels: &Words) -> Option<String> {
    match said {
        "full" => Some(labels.say("return_full")),
        "partial" => Some(labels.say("return_partial")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_of_visible_characters() {
        let cases = [
            ("Europe 10 GB", "Europe 10 GB"),
            ("a\r\nBcc: x@y.z", "a Bcc: x@y.z"),
            (" a \t b\u{0} ", "a b"),
            ("\u{202e}evil\u{feff}", "evil"),
            ("日本 様", "日本 様"),
            ("80\u{a0}%  used", "80\u{a0}% used"),
        ];
        for (given, expected) in cases {
            assert_eq!(clean(given), expected);
        }
    }

    #[test]
    fn a_link_leads_to_the_web() {
        assert_eq!(web_address(Some(" https://a.example/x?y=1 ")), Some("https://a.example/x?y=1"));
        for url in ["javascript:alert(1)", "https://", "data:text/html,x", "https://a b", "//a.example", ""] {
            assert_eq!(web_address(Some(url)), None, "{url}");
        }
    }
}
