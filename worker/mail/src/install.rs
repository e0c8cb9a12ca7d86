//! The codes of an eSIM as a mail shows them: links to tap, codes to copy, a text to scan.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use crate::clean::{clean, web_address};
use crate::texts::Texts;

/// The name of the picture inside the mail.
pub(crate) const CONTENT_ID: &str = "activation-code";

const APPLE: &str = "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=";
const ANDROID: &str = "https://esimsetup.android.com/esim_qrcode_provisioning?carddata=";

/// All but the unreserved characters of RFC 3986. `:` and `$`, which a query may hold, stay as Apple writes them.
const ENCODED_IN_QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'$');

/// The values that the frame `install` may name.
#[derive(Serialize)]
pub(crate) struct InstallView {
    content_id: &'static str,
    taps: Vec<TapLink>,
    codes: Vec<CodeRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apn: Option<String>,
    tips: Vec<String>,
    /// The content of the picture.
    #[serde(skip)]
    pub(crate) activation_code: String,
}

#[derive(Serialize)]
struct TapLink {
    label: String,
    url: String,
}

#[derive(Serialize)]
struct CodeRow {
    label: String,
    value: String,
}

/// Reads the payload's `install`; `None` without an activation code.
pub(crate) fn read(payload: &Value, labels: &Texts, tips: Vec<String>) -> Option<InstallView> {
    let install = payload.get("install")?;
    let field = |name: &str| install.get(name).and_then(Value::as_str).map(clean).filter(|text| !text.is_empty());
    let activation_code = field("activation_code")?;
    let card_data = encode(&activation_code);
    let apple = field("apple_install_url").and_then(|url| web_address(Some(&url)).map(str::to_owned));
    let by_hand = ["smdp_address", "matching_id", "confirmation_code"];
    let code = |label: &str, value: Option<String>| Some(CodeRow { label: labels.text(label), value: value? });
    Some(InstallView {
        content_id: CONTENT_ID,
        taps: vec![
            TapLink { label: labels.text("tap_ios"), url: apple.unwrap_or_else(|| format!("{APPLE}{card_data}")) },
            TapLink { label: labels.text("tap_android"), url: format!("{ANDROID}{card_data}") },
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

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED_IN_QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stays_one_parameter_of_the_link() {
        assert_eq!(encode("LPA:1$rsp.example.com$A-1_b.~"), "LPA:1$rsp.example.com$A-1_b.~");
        assert_eq!(encode("LPA:1$h$a&b=c#d e/ü%"), "LPA:1$h$a%26b%3Dc%23d%20e%2F%C3%BC%25");
    }
}
