use std::io::Write as _;

use super::*;

fn env(name: &str) -> Option<String> {
    match name {
        "AIRALO_SECRET" => Some("new".to_owned()),
        "TOKEN" => Some("kJ3-unguessable_token".to_owned()),
        "SLASH" => Some("a/b".to_owned()),
        _ => None,
    }
}

#[track_caller]
fn check_refused(text: &str, expected: &[&str]) {
    let problems = Sources::parse(text, &env).unwrap_err();
    for part in expected {
        assert!(problems.iter().any(|problem| problem.contains(part)), "`{part}` is missing in {problems:#?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn a_file_with_everything_is_read() {
    let mut old = tempfile::NamedTempFile::new().unwrap();
    writeln!(old, "old").unwrap();
    let text = format!(
        r#"
        [[source]]
        name = "airalo"
        provider = "airalo"
        mode = "test"
        signing_secrets = [{{ env = "AIRALO_SECRET" }}, {{ file = "{}" }}]
        verify = "observe"
        rate_limit = 50

        [[source]]
        name = "esim-access"
        provider = "esim_access"
        token = {{ env = "TOKEN" }}
        allow_ips = ["3.1.131.226/32", "54.254.74.88"]
        before_confirmation = "act"
        api = {{ access_code = {{ env = "ONLY_THE_WORKER_HAS_IT" }} }}
        "#,
        old.path().display()
    );
    let sources = Sources::parse(&text, &env).unwrap();
    let airalo = sources.find("airalo", None).unwrap();
    let secrets: Vec<_> = airalo.signing_secrets.iter().map(|secret| secret.expose_secret().to_vec()).collect();
    assert_eq!(secrets, [b"new".to_vec(), b"old".to_vec()]);
    assert_eq!((airalo.mode, airalo.verify), (Mode::Test, Verify::Observe));
    let esim_access = sources.find("esim-access", Some("kJ3-unguessable_token")).unwrap();
    assert_eq!(esim_access.allow_ips.len(), 2);
    assert!(!format!("{sources:?}").contains("unguessable"));
}

#[test]
fn a_wrong_token_is_no_different_from_an_unknown_source() {
    let text = r#"
        [[source]]
        name = "yoni"
        provider = "yoni"
        token = { env = "TOKEN" }
        [[source]]
        name = "open"
        provider = "yoni"
        insecure = true
    "#;
    let sources = Sources::parse(text, &env).unwrap();
    assert!(sources.find("yoni", Some("kJ3-unguessable_token")).is_some());
    assert!(sources.find("open", None).is_some());
    for (name, token) in [
        ("yoni", None),
        ("yoni", Some("")),
        ("yoni", Some("kJ3-unguessable_tokem")),
        ("open", Some("kJ3-unguessable_token")),
        ("nobody", None),
    ] {
        assert!(sources.find(name, token).is_none(), "{name} {token:?}");
    }
}

#[test]
fn every_problem_is_told_with_the_source_it_is_in() {
    check_refused(
        r#"
        [[source]]
        name = "a"
        provider = "yoni"
        [[source]]
        name = "b"
        provider = "nobody"
        signing_secrets = [{ env = "NOT_SET" }, { file = "/does/not/exist" }]
        alow_ips = ["10.0.0.0/8"]
        mode = "prod"
        verify = "perhaps"
        rate_limit = 0
        [[source]]
        name = "B_"
        provider = "esim_access"
        signing_secrets = [{ env = "AIRALO_SECRET" }]
        [[source]]
        provider = "yoni"
        allow_ips = ["10.0.0.0/33"]
        token = { env = "SLASH" }
        "#,
        &[
            "`a`: anybody could send",
            "`b`: provider: it must be one of airalo,",
            "`b`: signing_secrets: the environment variable NOT_SET is not set",
            "`b`: signing_secrets: can't read the file /does/not/exist",
            "`b`: unknown key `alow_ips`",
            "`b`: mode:",
            "`b`: verify:",
            "`b`: rate_limit:",
            "`B_`: a name is",
            "`B_`: signing_secrets: esim_access does not sign",
            "`#4`: it has no name",
            "`#4`: allow_ips: `10.0.0.0/33`",
            "`#4`: token: it may hold",
        ],
    );
}

#[test]
fn two_of_one_name_are_refused() {
    let one = "[[source]]\nname = \"x\"\nprovider = \"yoni\"\ninsecure = true\n";
    check_refused(&format!("{one}{one}"), &["`x`: there are two"]);
}

#[test]
fn a_file_of_another_form_is_refused() {
    check_refused("", &["there is no [[source]]"]);
    check_refused("[sources]\nx = 1", &["there is no [[source]]", "unknown key `sources`"]);
    check_refused("= 3", &["it is not TOML"]);
    check_refused(
        "[[source]]\nname = \"x\"\nprovider = \"yoni\"\ninsecure = true\ntoken = \"in the file\"",
        &["source `x`:"],
    );
}

#[test]
fn a_source_that_sends_too_fast_is_told_how_long_to_wait() {
    let text = "[[source]]\nname = \"x\"\nprovider = \"yoni\"\ninsecure = true\nrate_limit = 2";
    let source = Sources::parse(text, &env).unwrap().find("x", None).unwrap();
    assert_eq!((source.admit(), source.admit()), (Ok(()), Ok(())));
    let wait = source.admit().unwrap_err();
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(500), "{wait:?}");
}

#[test]
fn without_a_limit_all_are_admitted() {
    let text = "[[source]]\nname = \"x\"\nprovider = \"yoni\"\ninsecure = true";
    let source = Sources::parse(text, &env).unwrap().find("x", None).unwrap();
    assert!((0..10_000).all(|_| source.admit() == Ok(())));
}
