//! What it takes to install an eSIM, as a mail shows it: links to tap, codes to copy, a text to scan.

use serde::Serialize;
use serde_json::Value;

use super::texts::Words;
use super::vars::{clean, web_address};

/// The name of the picture inside the mail.
pub(super) const CONTENT_ID: &str = "activation-code";

const APPLE: &str = "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=";
const ANDROID: &str = "https://esimsetup.android.com/esim_qrcode_provisioning?carddata=";

/// As the frame of the mail shows it.
#[derive(Serialize)]
pub(super) struct Install {
    content_id: &'static str,
    taps: Vec<Tap>,
    codes: Vec<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apn: Option<String>,
    tips: Vec<String>,
    /// What the picture says.
    #[serde(skip)]
    pub(super) activation_code: String,
}

#[derive(Serialize)]
struct Tap {
    label: String,
    url: String,
}

#[derive(Serialize)]
struct Code {
    label: String,
    value: String,
}

/// Reads the payload's `install`; `None` without an activation code.
pub(super) fn read(payload: &Value, words: &Words, tips: Vec<String>) -> Option<Install> {
    let install = payload.get("install")?;
    let field = |name: &str| install.get(name).and_then(Value::as_str).map(clean).filter(|text| !text.is_empty());
    let activation_code = field("activation_code")?;
    let card_data = percent_encode(&activation_code);
    let apple = field("apple_install_url").and_then(|url| web_address(Some(&url)).map(str::to_owned));
    let by_hand = ["smdp_address", "matching_id", "confirmation_code"];
    let code = |label: &str, value: Option<String>| Some(Code { label: words.say(label), value: value? });
    Some(Install {
        content_id: CONTENT_ID,
        taps: vec![
            Tap { label: words.say("tap_ios"), url: apple.unwrap_or_else(|| format!("{APPLE}{card_data}")) },
            Tap { label: words.say("tap_android"), url: format!("{ANDROID}{card_data}") },
        ],
        codes: by_hand
            .into_iter()
            .filter_map(|name| code(name, field(name)))
            .chain(code("full_code", Some(activation_code.clone())))
            .chain(["pin", "puk"].into_iter().filter_map(|name| code(name, field(name))))
            .collect(),
        apn: field("apn"),
        tips,
        activation_code,
    })
}

/// `:` and `$` stay as they are, as Apple writes them; RFC 3986 allows both in a query.
fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'$' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stays_one_parameter_of_the_link() {
        assert_eq!(percent_encode("LPA:1$rsp.example.com$A-1_b.~"), "LPA:1$rsp.example.com$A-1_b.~");
        assert_eq!(percent_encode("LPA:1$h$a&b=c#d e/ü%"), "LPA:1$h$a%26b%3Dc%23d%20e%2F%C3%BC%25");
    }
}
