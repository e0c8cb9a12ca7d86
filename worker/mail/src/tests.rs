//! What every mail promises: each kind, in each language, whatever of its payload is known.

use std::sync::LazyLock;

use serde_json::{Value, json};
use shared::action::{ActionKind, Audience};
use shared::contact::Contact;

use super::*;
use crate::qr::tests::scan;

fn templates() -> &'static Templates {
    static LOADED: LazyLock<Templates> = LazyLock::new(|| Templates::load([]).unwrap());
    &LOADED
}

fn contact(locale: &str) -> Contact {
    Contact { locale: Some(locale.to_owned()), ..Contact::default() }
}

fn payload(kind: ActionKind) -> Value {
    sample(kind).unwrap().payload.clone()
}

fn mail(kind: ActionKind, payload: &Value, contact: &Contact, brand: &Brand) -> Mail {
    templates().render(kind, payload, contact, brand).unwrap()
}

#[track_caller]
fn check_whole(mail: &Mail, what: &str) {
    for part in [&mail.subject, &mail.text, &mail.html] {
        for hole in ["{{", "{%", "}}", "%}", "undefined", "none<", ">none", ": none", "  ,"] {
            assert!(!part.contains(hole), "{what}: {hole:?} in {part}");
        }
    }
    assert!(!mail.subject.is_empty() && mail.subject.chars().count() <= 70, "{what}: {}", mail.subject);
    assert!(!mail.subject.chars().any(char::is_control), "{what}: {}", mail.subject);
    assert!(
        mail.text.lines().all(|line| line.starts_with("http") || line.chars().count() <= 78),
        "{what}: {}",
        mail.text
    );
    assert!(!mail.text.contains("\n\n\n"), "{what}: {}", mail.text);
    assert!(mail.text.lines().all(|line| !line.ends_with(": ") && !line.ends_with(' ')), "{what}: {}", mail.text);
    assert!(mail.html.contains(&format!("<html lang=\"{}\"", mail.locale)), "{what}");
}

#[test]
fn every_kind_is_whole_in_every_language_with_all_and_with_little() {
    let templates = templates();
    for kind in ActionKind::for_customers() {
        for locale in ["en", "es", "de", "ja", "en-US", "de-CH", "es-MX"] {
            let full = templates.render(kind, &payload(kind), &sample_contact(locale), &sample_brand()).unwrap();
            check_whole(&full, &format!("{} {locale}", kind.as_str()));
            let bare = check::bare(&payload(kind));
            let bare = templates.render(kind, &bare, &contact(locale), &Brand::default()).unwrap();
            check_whole(&bare, &format!("{} {locale}, bare", kind.as_str()));
        }
    }
}

#[test]
fn every_kind_for_a_customer_is_mailed_and_no_other() {
    let templates = templates();
    for kind in ActionKind::ALL.iter().copied() {
        let payload = sample(kind).map_or(Value::Null, |action| action.payload.clone());
        let rendered = templates.render(kind, &payload, &Contact::default(), &Brand::default());
        match kind.audience() {
            Audience::Customer => assert!(rendered.is_ok(), "{kind}: {rendered:?}"),
            Audience::Operator => assert!(matches!(rendered, Err(RenderError::NotMailed(_))), "{kind}"),
        }
    }
}

#[test]
fn the_picture_says_exactly_the_activation_code() {
    for code in ["LPA:1$rsp.example.com$K2-1VFXZ9-1M3QH7P", "LPA:1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815$1.3.6.1.4$1"] {
        let payload = json!({ "install": { "activation_code": code } });
        let mail = mail(ActionKind::EsimReady, &payload, &Contact::default(), &Brand::default());
        let [picture] = mail.inline.as_slice() else { panic!("{} pictures", mail.inline.len()) };
        assert_eq!(scan(&picture.bytes), code);
        assert!(mail.html.contains(&format!("src=\"cid:{}\"", picture.content_id)));
        assert!(mail.text.contains(code));
        assert!(!mail.subject.contains("LPA"));
    }
}

#[test]
fn a_code_missing_is_an_error_and_tells_no_secret() {
    let payload = json!({ "install": { "pin": "4711" } });
    let refused = templates().render(ActionKind::EsimReady, &payload, &Contact::default(), &Brand::default());
    let error = refused.unwrap_err();
    assert!(matches!(error, RenderError::NoActivationCode));
    assert!(!format!("{error} {error:?}").contains("4711"));
}

#[test]
fn only_what_the_payload_has_is_asked_for() {
    let with = |install: Value| {
        mail(ActionKind::EsimReady, &json!({ "install": install }), &Contact::default(), &Brand::default()).text
    };
    let bare = with(json!({ "activation_code": "LPA:1$h$m" }));
    let full = with(payload(ActionKind::EsimReady)["install"].clone());
    for label in ["PIN:", "PUK:", "APN:", "Confirmation code:"] {
        assert!(!bare.contains(label) && full.contains(label), "{label}");
    }
}

#[test]
fn the_links_install_with_one_tap() {
    let given = payload(ActionKind::EsimReady);
    let text = mail(ActionKind::EsimReady, &given, &Contact::default(), &Brand::default()).text;
    let card = "carddata=LPA:1$rsp.example.com$K2-1VFXZ9-1M3QH7P\n";
    assert!(text.contains(&format!("https://esimsetup.apple.com/esim_qrcode_provisioning?{card}")), "{text}");
    assert!(text.contains(&format!("https://esimsetup.android.com/esim_qrcode_provisioning?{card}")), "{text}");
    let odd = json!({ "install": { "activation_code": "LPA:1$h$a&b", "apple_install_url": "javascript:alert(1)" } });
    let html = mail(ActionKind::EsimReady, &odd, &Contact::default(), &Brand::default()).html;
    assert!(html.contains("carddata=LPA:1$h$a%26b") && !html.contains("javascript"));
}

#[test]
fn nothing_that_is_put_in_breaks_out() {
    let evil = "</td><script>alert(\"1\")</script>\r\nBcc: x@y.z {{ brand }} {% if %}";
    let brand = Brand { name: evil.to_owned(), legal: Some(evil.to_owned()), ..sample_brand() };
    let contact = Contact { name: Some(evil.to_owned()), reference: Some(evil.to_owned()), ..Contact::default() };
    for kind in ActionKind::for_customers() {
        let mut payload = payload(kind);
        for field in ["package_name", "iccid", "description", "code", "track_ref", "return_type"] {
            payload[field] = evil.into();
        }
        let mail = mail(kind, &payload, &contact, &brand);
        assert!(!mail.html.contains("<script") && !mail.html.contains("</td>&"), "{}", kind.as_str());
        assert!(!mail.subject.contains(['\r', '\n']) && !mail.text.contains("\nBcc"), "{}", kind.as_str());
    }
}

#[test]
fn a_locale_falls_back_to_its_language_and_then_to_english() {
    let cases = [
        ("de", "de"),
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("DE-at", "de"),
        ("ja-JP", "ja"),
        ("es-419", "es"),
        ("zh-Hant-TW", "en"),
        ("", "en"),
        ("x-klingon", "en"),
        ("ドイツ", "en"),
    ];
    for (locale, expected) in cases {
        let mail = mail(ActionKind::SimShipped, &json!({}), &contact(locale), &Brand::default());
        assert_eq!(mail.locale, expected, "{locale}");
    }
}

#[test]
fn times_are_the_readers_and_utc_says_so() {
    let payload = json!({ "expires_at": "2026-03-14T14:04:00Z" });
    let text = |zone: Option<&str>| {
        let contact = Contact { time_zone: zone.map(str::to_owned), ..contact("de") };
        mail(ActionKind::ExpiringSoon, &payload, &contact, &Brand::default()).text
    };
    assert!(text(Some("Europe/Berlin")).contains("14. März 2026, 15:04 Uhr (MEZ)"));
    for unknown in [None, Some("Mars/Olympus")] {
        assert!(text(unknown).contains("14. März 2026, 14:04 Uhr (UTC)"));
    }
}

#[test]
fn what_the_provider_charges_the_shop_is_not_the_customers_business() {
    for kind in [ActionKind::OrderFailed, ActionKind::OrderCancelled, ActionKind::ReturnApproved] {
        let mail = mail(kind, &payload(kind), &sample_contact("en"), &sample_brand());
        for secret in ["9.50", "12.5", "Out of stock"] {
            assert!(!mail.text.contains(secret) && !mail.html.contains(secret), "{} tells {secret}", kind.as_str());
        }
    }
}

#[test]
fn a_button_leads_only_where_the_shop_has_something() {
    let low = payload(ActionKind::LowData);
    let with = mail(ActionKind::LowData, &low, &contact("en"), &sample_brand());
    assert!(with.text.contains("https://example.com/top-up") && with.html.contains("Top up"));
    let without = mail(ActionKind::LowData, &low, &contact("en"), &Brand::default());
    assert!(!without.html.to_lowercase().contains("top up") && !without.text.to_lowercase().contains("top up"));
}

#[test]
fn a_long_subject_is_cut_and_says_so() {
    let payload = json!({ "package_name": "Southeast Asia ".repeat(9), "install": { "activation_code": "LPA:1$h$m" } });
    let subject = mail(ActionKind::EsimReady, &payload, &contact("en"), &Brand::default()).subject;
    assert!(subject.chars().count() <= 70 && subject.ends_with('…'), "{subject}");
}

fn file(name: &str, source: &str) -> (String, TemplateFile) {
    (name.to_owned(), TemplateFile::new(format!("/shop/{name}"), source))
}

#[test]
fn a_shops_own_words_replace_ours_one_by_one() {
    let files = [
        file("de.toml", "[kinds.sim_shipped]\nsubject = \"Servus, {{ brand }}!\"\n"),
        file("kinds.toml", "[sim_shipped]\nfacts = []\n"),
        file("layout.txt", "Nur: {{ heading }}\n"),
    ];
    let templates = Templates::load(files).unwrap();
    let mail = templates.render(ActionKind::SimShipped, &json!({}), &contact("de"), &sample_brand()).unwrap();
    assert_eq!(mail.subject, "Servus, Wayfarer eSIM!");
    assert_eq!(mail.text, "Nur: Ihre SIM-Karte ist unterwegs\n");
}

#[test]
fn a_shop_can_bring_a_language() {
    let templates = Templates::load([file("fr.toml", include_str!("../templates/en.toml"))]).unwrap();
    let mail = templates.render(ActionKind::SimShipped, &json!({}), &contact("fr-CA"), &Brand::default()).unwrap();
    assert_eq!(mail.locale, "fr");
}

#[test]
fn only_files_with_the_extension_of_a_template_are_templates() {
    assert!(["fr.toml", "pt-BR.toml", "layout.html", "layout.txt"].into_iter().all(is_template));
    assert!(!["notes.md", "toml", "layout.html~", ""].into_iter().any(is_template));
}

#[track_caller]
fn check_broken(name: &str, source: &str, expected: &str) {
    let error = Templates::load([file(name, source)]).unwrap_err().to_string();
    let told = error.strip_prefix(&format!("/shop/{name}")).unwrap_or(&error);
    assert!(told.starts_with(expected), "{name} {source:?}: {told}");
}

#[test]
fn what_is_broken_is_told_with_its_file_and_line() {
    check_broken("de.toml", "[kinds.low_data]\nsubject = \"{{ package\"\n", ":2: ");
    check_broken("de.toml", "[kinds.low_data]\nbody = \"\"\"\nOne\n\n{% if used %}\n\"\"\"\n", ":5: ");
    check_broken("de.toml", "[kinds.low_data]\n\nsubject = \"{{ pakage }}\"\n", ":3: no such value: pakage");
    check_broken("de.toml", "[kinds.low_data]\nsubject = \"{{ data_left }} left\"\n", ":2: undefined value");
    check_broken(
        "de.toml",
        "[kinds.low_data]\nsubject = \"{% if used %}x{% endif %}\"\n",
        ":2: low_data.subject is empty",
    );
    check_broken("de.toml", "[kinds.low_data]\nsubjekt = \"x\"\n", ":2: no such text: kinds.low_data.subjekt");
    check_broken("de.toml", "[kinds.lowdata]\nsubject = \"x\"\n", ":2: no such text: kinds.lowdata.subject");
    check_broken("de.toml", "[common]\ngreeting = Hallo\n", ":2: ");
    check_broken("de.toml", "[extra]\n", ":1: unknown field");
    check_broken("de.toml", "# x\n[formats]\nmonths = []\n", ":2: in [formats]: ");
    check_broken("fr.toml", "[labels]\n", ":1: ");
    check_broken("kinds.toml", "[low_data]\nfacts = [\"packet\"]\n", ":2: no such fact: packet");
    check_broken("kinds.toml", "[low]\nmeter = true\n", ":1: no such kind");
    check_broken("kinds.toml", "[low_data]\nbutton = \"buy\"\n", ":2: ");
    check_broken("layout.html", "<p>\n{{ subject | nothing }}\n", ":2: unknown filter");
    check_broken("layout.txt", "x\n\n{{ nothing }}\n", ":3: undefined value");
    check_broken("install.html", "<td>\n{{ install.nothing }}", ":2: undefined value");
    check_broken("instal.html", "", ":1: no template has this name");
}
