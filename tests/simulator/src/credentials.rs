//! What each source proves itself by: the same environment variables as `.dev/sources.toml` has, with the demo's values.

use clap::Args;
use samples::{Credential, Source};

/// The secrets of the sources that ingest is configured with. The defaults are those of `./dev up`, and belong nowhere
/// else.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sources")]
pub struct Credentials {
    /// Airalo signs with it
    #[arg(long, env = "AIRALO_CLIENT_SECRET", hide_env_values = true, default_value = "demo-airalo-client-secret")]
    airalo_client_secret: String,
    /// The last segment of the path for eSIM Access
    #[arg(long, env = "ESIM_ACCESS_TOKEN", hide_env_values = true, default_value = "demo-esim-access-token")]
    esim_access_token: String,
    /// The last segment of the path for Yoni
    #[arg(long, env = "YONI_TOKEN", hide_env_values = true, default_value = "demo-yoni-token-0123456789")]
    yoni_token: String,
    /// SimplifyTrip signs with it
    #[arg(
        long,
        env = "SIMPLIFYTRIP_CHECKSUM_KEY",
        hide_env_values = true,
        default_value = "ck_test_demo_simplifytrip_checksum_key"
    )]
    simplifytrip_checksum_key: String,
    /// The last segment of the path for Airtm V1
    #[arg(long, env = "AIRTM_TOKEN", hide_env_values = true, default_value = "demo-airtm-token-0123456789")]
    airtm_token: String,
    /// Svix signs with it for Airtm V2
    #[arg(
        long,
        env = "AIRTM_V2_SIGNING_SECRET",
        hide_env_values = true,
        default_value = "whsec_ZGVtby1haXJ0bS12Mi1zaWduaW5nLXNlY3JldA=="
    )]
    airtm_v2_signing_secret: String,
}

impl Credentials {
    pub fn of(&self, source: Source) -> Credential {
        match source {
            Source::Airalo => Credential::SigningSecret(self.airalo_client_secret.clone()),
            Source::EsimAccess => Credential::Token(self.esim_access_token.clone()),
            Source::Yoni => Credential::Token(self.yoni_token.clone()),
            Source::SimplifyTrip => Credential::SigningSecret(self.simplifytrip_checksum_key.clone()),
            Source::Airtm => Credential::Token(self.airtm_token.clone()),
            Source::AirtmV2 => Credential::SigningSecret(self.airtm_v2_signing_secret.clone()),
        }
    }
}
