//! The sources that every test's ingest knows: one for each of the providers' dialects, with the secrets they share.

use samples::{Credential, Source};

/// The URL's last segment for sources that don't sign.
pub const TOKEN: &str = "a-token-that-nobody-can-guess";
/// What a rotation leaves behind: still accepted, no longer used.
pub const OLD_SECRET: &str = "the-secret-before-the-rotation";

/// What the providers of these sources prove themselves by.
pub fn credential(source: Source) -> Credential {
    match source {
        Source::Airalo => Credential::SigningSecret("airalo-client-secret".to_owned()),
        Source::SimplifyTrip => Credential::SigningSecret("ck_test_simplifytrip".to_owned()),
        Source::AirtmV2 => Credential::SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
        Source::EsimAccess | Source::Yoni | Source::Airtm => Credential::Token(TOKEN.to_owned()),
    }
}

/// The environment that the sources' file refers to.
pub fn environment() -> Vec<(String, String)> {
    let mut environment = vec![("OLD_SECRET".to_owned(), OLD_SECRET.to_owned())];
    environment.extend(Source::ALL.into_iter().map(|source| {
        let (Credential::Token(secret) | Credential::SigningSecret(secret)) = credential(source);
        (variable(source), secret)
    }));
    environment
}

/// The sources' file. Airalo's secret is being rotated.
pub fn file() -> String {
    let entry = |source: Source| {
        let variable = variable(source);
        let proof = match (source, credential(source)) {
            (Source::Airalo, _) => {
                format!("signing_secrets = [{{ env = \"{variable}\" }}, {{ env = \"OLD_SECRET\" }}]")
            }
            (_, Credential::SigningSecret(_)) => format!("signing_secrets = [{{ env = \"{variable}\" }}]"),
            (_, Credential::Token(_)) => format!("token = {{ env = \"{variable}\" }}"),
        };
        format!("[[source]]\nname = \"{}\"\nprovider = \"{}\"\n{proof}\n", source.name(), source.provider())
    };
    Source::ALL.into_iter().map(entry).collect()
}

fn variable(source: Source) -> String {
    format!("SECRET_OF_{}", source.name().to_uppercase().replace('-', "_"))
}
