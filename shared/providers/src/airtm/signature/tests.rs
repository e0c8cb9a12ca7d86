use shared::origin::Provider;

use super::*;
use crate::dialect;
use crate::fixtures::{authenticate, time as at};

const AIRTM: Provider = Provider::Airtm;

/// The vector of the Standard Webhooks specification, which Svix's form is.
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const TIMESTAMP: &str = "1649367553";
const BODY: &str = r#"{"email":"test@example.com","username":"test_user"}"#;
const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
const SENT_AT: &str = "2022-04-07T21:39:13Z";

#[track_caller]
fn check_signature(signature: &str, body: &str, secrets: &[&str], expected: Result<(), Unauthentic>) {
    for [id, timestamp, list] in
        [["svix-id", "svix-timestamp", "svix-signature"], ["webhook-id", "webhook-timestamp", "webhook-signature"]]
    {
        let headers = [(id, ID), (timestamp, TIMESTAMP), (list, signature)];
        assert_eq!(authenticate(AIRTM, &headers, body.as_bytes(), at(SENT_AT), secrets), expected, "{list}");
    }
}

#[test]
fn one_good_signature_under_one_of_the_secrets_is_authentic() {
    check_signature(SIGNATURE, BODY, &[SECRET], Ok(()));
    check_signature(SIGNATURE, BODY, &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SECRET], Ok(()));
    check_signature(&format!("v1a,AAAA v1,AAAA {SIGNATURE}"), BODY, &[SECRET], Ok(()));
}

#[test]
fn everything_else_is_not() {
    let mismatch = Err(Unauthentic::Mismatch);
    check_signature(SIGNATURE, BODY, &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], mismatch);
    check_signature(SIGNATURE, BODY, &["no prefix", "whsec_***", "whsec_"], mismatch);
    check_signature(SIGNATURE, &BODY.replace("test_user", "root"), &[SECRET], mismatch);
    check_signature(&SIGNATURE.replace("v1,", "v2,"), BODY, &[SECRET], mismatch);
    check_signature("v1,", BODY, &[SECRET], mismatch);
    check_signature("", BODY, &[SECRET], Err(Unauthentic::Missing));
    for absent in 0..3 {
        let mut headers = vec![("svix-id", ID), ("svix-timestamp", TIMESTAMP), ("svix-signature", SIGNATURE)];
        headers.remove(absent);
        let refusal = authenticate(AIRTM, &headers, BODY.as_bytes(), at(SENT_AT), &[SECRET]);
        assert_eq!(refusal, Err(Unauthentic::Missing));
    }
}

#[track_caller]
fn check_age(received_at: &str, expected: Result<(), Unauthentic>) {
    let headers = [("svix-id", ID), ("svix-timestamp", TIMESTAMP), ("svix-signature", SIGNATURE)];
    assert_eq!(authenticate(AIRTM, &headers, BODY.as_bytes(), at(received_at), &[SECRET]), expected, "{received_at}");
}

#[test]
fn an_attempt_counts_for_five_minutes() {
    check_age("2022-04-07T21:44:13Z", Ok(()));
    check_age("2022-04-07T21:44:13.000001Z", Err(Unauthentic::Expired));
    check_age("2022-04-07T21:34:13Z", Ok(()));
    check_age("2022-04-07T21:34:12Z", Err(Unauthentic::Expired));
}

#[track_caller]
fn check_secret_form(secret: &str, expected: Result<(), &str>) {
    let answer = dialect(AIRTM).check_secret(&SecretSlice::from(secret.as_bytes().to_vec()));
    assert_eq!(answer, expected.map_err(str::to_owned));
}

#[test]
fn a_secret_of_another_form_is_refused_without_being_told() {
    check_secret_form(SECRET, Ok(()));
    check_secret_form("whsec_AAECAwQFBgcICQoLDA0ODw==", Ok(()));
    check_secret_form("whsec_AAECAwQFBgcICQoLDA0ODw", Ok(()));
    check_secret_form("", Err("it is empty"));
    check_secret_form("C2FVsBQIhrscChlQIMV+b5sSYspob7oD", Err("it does not start with whsec_"));
    check_secret_form("whsec_C2FV*", Err("what follows whsec_ is not Base64"));
    check_secret_form("whsec_AAECAwQFBgcICQoLDA0O", Err("its key has 15 bytes, which is less than 16"));
}
