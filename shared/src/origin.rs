//! Where an event comes from: the provider, how the event reached us, and whether it is real.

use crate::words;

words! {
    /// A supported provider.
    pub enum Provider {
        Airalo,
        EsimAccess,
        Yoni,
        Simplifytrip,
        Airtm,
    }
}

words! {
    /// Whether an event is real. A test event is stored like any other and never reaches a customer.
    #[derive(Default)]
    pub enum Mode {
        #[default]
        Live,
        /// Ranked above live: what was once marked as a test stays a test.
        Test,
    }
}

words! {
    /// How an event reached us.
    #[derive(Default)]
    pub enum Origin {
        #[default]
        Webhook,
        /// An answer of the provider's API.
        Fetch,
        /// One of our own deadlines passed.
        Clock,
        /// An operator sent a dead letter again.
        Replay,
    }
}
