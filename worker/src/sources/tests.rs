use secrecy::ExposeSecret as _;

use super::*;

fn env(name: &str) -> Option<String> {
    name.starts_with("SET_").then(|| format!("hunter2-{name}"))
}

#[track_caller]
fn parse(text: &str) -> Result<Sources, String> {
    Sources::parse(text, env).map_err(|problems| problems.join("\n"))
}

#[test]
fn the_file_of_ingest_is_read_past_what_only_ingest_needs() {
    let text = r#"
        [[source]]
        name = "airalo"
        provider = "airalo"
        signing_secrets = [{ env = "A" }]
        [[source]]
        name = "yoni-test"
        provider = "yoni"
        mode = "test"
        token = { file = "there-is-no-such-file" }
        before_confirmation = "act"
    "#;
    let sources = parse(text).unwrap();
    let (airalo, yoni) = (sources.find("airalo").unwrap(), sources.find("yoni-test").unwrap());
    assert_eq!((airalo.provider, airalo.mode), (Provider::Airalo, Mode::Live));
    assert_eq!((yoni.provider, yoni.mode), (Provider::Yoni, Mode::Test));
    assert_eq!(airalo.before_confirmation, BeforeConfirmation::Wait);
    assert_eq!(yoni.before_confirmation, BeforeConfirmation::Act);
    assert!(matches!(airalo.token, Token::None) && matches!(yoni.token, Token::Unknown(_)));
    assert!(airalo.api.is_none() && sources.find("other").is_none());
}

#[test]
fn each_providers_api_has_its_credentials_and_its_documented_host() {
    for (provider, keys, host) in [
        ("airalo", r#"client_id = "id", client_secret = { env = "SET_A" }"#, "https://partners-api.airalo.com/"),
        ("esim_access", r#"access_code = { env = "SET_A" }"#, "https://api.esimaccess.com/api/v1/open"),
        (
            "yoni",
            r#"app_id = "id", app_secret = { env = "SET_A" }, base_url = "http://sandbox-api.yoni-esim.com""#,
            "http://sandbox-api.yoni-esim.com/",
        ),
        (
            "simplifytrip",
            r#"api_key = { env = "SET_A" }, secret_key = { env = "SET_B" }"#,
            "https://merchant.simplifytrip.com/",
        ),
        (
            "airtm",
            r#"version = 1, api_key = { env = "SET_A" }, secret = { env = "SET_B" }"#,
            "https://payments.air-pay.io/",
        ),
        (
            "airtm",
            r#"version = 2, api_key = { env = "SET_A" }, secret = { env = "SET_B" }"#,
            "https://api.enterprise.airtm.com/v2",
        ),
    ] {
        let text = format!("[[source]]\nname = \"x\"\nprovider = \"{provider}\"\napi = {{ {keys} }}");
        let sources = parse(&text).unwrap();
        assert_eq!(sources.find("x").unwrap().api.as_ref().unwrap().base_url.as_str(), host);
    }
}

#[test]
fn with_a_secret_key_esim_access_is_signed_to() {
    let text = r#"
        [[source]]
        name = "e"
        provider = "esim_access"
        api = { access_code = { env = "SET_A" }, secret_key = { env = "SET_B" }, base_url = "http://127.0.0.1:1/x", timeout = "2s" }
    "#;
    let sources = parse(text).unwrap();
    let api = sources.find("e").unwrap().api.clone().unwrap();
    let credentials = |key: &str| api.credentials.values[key].expose_secret();
    assert_eq!((credentials("access_code"), credentials("secret_key")), ("hunter2-SET_A", "hunter2-SET_B"));
    assert_eq!(api.timeout, std::time::Duration::from_secs(2));
    assert!(!format!("{sources:?}").contains("hunter2"));
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_no_secret_with_it() {
    let text = r#"
        [[source]]
        name = "a"
        provider = "airalo"
        api = { client_secret = "hunter2", base_url = "ftp://x", colour = 1 }
        [[source]]
        name = "y"
        provider = "yoni"
        api = { app_id = "id", app_secret = { env = "NOT_SET" }, timeout = "soon" }
        [[source]]
        name = "p"
        provider = "airtm"
        api = { version = 3, api_key = { env = "SET_A" } }
        [[source]]
        provider = "airtm"
        [[source]]
        name = "m"
        provider = "airalo"
        before_confirmation = "hope"
    "#;
    let told = parse(text).unwrap_err();
    for problem in [
        "source `a`: api.client_id: it is required",
        "source `a`: api.client_secret: it must be { env",
        "source `a`: api.colour: there is no such key",
        "source `y`: api.app_secret: the environment variable NOT_SET is not set",
        "source `y`: api.base_url: it is required",
        "source `y`: api.timeout: it must be a duration",
        "source `p`: api.version: it must be 1 or 2",
        "source `p`: api.secret: it is required",
        "source `#4`: it has no name",
        "source `m`: ",
    ] {
        assert!(told.contains(problem), "{problem} is missing in:\n{told}");
    }
    assert!(told.contains("source `a`: api.base_url: it must be https"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}
