//! The providers' APIs as a test has them: those of the simulator, each on a port of its own as long as the test runs.

use std::ops::Deref;

use simulator::provider_api::http::Speaks;
use simulator::provider_api::{Conduct, ProviderApi};

pub use simulator::provider_api::{Outcome, Reply, airalo, airtm, esim_access, limits, simplifytrip, yoni};

pub type Airalo = Simulated<airalo::Account>;
pub type Airtm = Simulated<airtm::Account>;
pub type EsimAccess = Simulated<esim_access::Account>;
pub type SimplifyTrip = Simulated<simplifytrip::Account>;
pub type Yoni = Simulated<yoni::Account>;

/// A provider's API.
#[derive(Debug)]
pub struct Simulated<W>(ProviderApi<W>);

impl<W: Speaks> Simulated<W> {
    /// With an empty account.
    pub async fn open() -> Self {
        Self(ProviderApi::listen(([127, 0, 0, 1], 0).into(), Conduct::default()).await.unwrap())
    }
}

impl<W> Deref for Simulated<W> {
    type Target = ProviderApi<W>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
