//! The URL of a source's webhooks, as its provider sees it. It may hold a secret, so only its public part is shown.

use secrecy::{ExposeSecret as _, SecretString};

use crate::sources::Token;

pub(super) struct WebhookUrl {
    pub(super) url: SecretString,
    /// Without the secret part.
    pub(super) public: String,
}

impl WebhookUrl {
    pub(super) fn of(public_url: &str, source: &str, token: &Token) -> Result<Self, String> {
        let url = format!("{}/webhooks/{source}", public_url.trim_end_matches('/'));
        match token {
            Token::None => Ok(Self { url: url.clone().into(), public: url }),
            Token::Known(token) => {
                Ok(Self { public: format!("{url}/…"), url: format!("{url}/{}", token.expose_secret()).into() })
            }
            Token::Unknown(problem) => Err(format!("the URL's token is needed, and {problem}")),
        }
    }

    pub(super) fn is(&self, url: &str) -> bool {
        url.trim().trim_end_matches('/') == self.url.expose_secret()
    }
}

/// The host of a URL; its path may be a secret of its receiver.
pub(super) fn redact(url: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let host = url[after_scheme..].split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{}{host}/…", &url[..after_scheme])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_url_is_recognised_and_its_token_is_not_shown() {
        let ours = WebhookUrl::of("https://hooks.example/", "esim-access", &Token::Known("hunter2".into())).unwrap();
        assert!(ours.is("https://hooks.example/webhooks/esim-access/hunter2"));
        assert!(ours.is("https://hooks.example/webhooks/esim-access/hunter2/"));
        assert!(!ours.is("https://hooks.example/webhooks/esim-access/hunter3"));
        assert_eq!(ours.public, "https://hooks.example/webhooks/esim-access/…");
    }

    #[test]
    fn of_another_url_only_the_host_is_shown() {
        for (url, expected) in [
            ("https://old.example/hook/hunter2?x=1", "https://old.example/…"),
            ("https://user:hunter2@old.example", "https://old.example/…"),
            ("old.example/hunter2", "old.example/…"),
        ] {
            assert_eq!(redact(url), expected);
        }
    }

    #[test]
    fn a_token_that_only_ingest_knows_is_told_as_the_reason() {
        let unknown = Token::Unknown("the environment variable T is not set or empty".to_owned());
        assert!(
            WebhookUrl::of("https://hooks.example", "a", &unknown).is_err_and(|problem| problem.contains("variable T"))
        );
    }
}
