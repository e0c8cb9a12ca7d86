//! An eSIM: its plan, its profile, what is used of it and until when it lasts; it knows no dialect.
//!
//! The plan (what was paid for) and the profile (what sits on the device) change independently of each other, so each
//! has a status of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Timestamp;
use crate::block::{Heard, Join as _, Latest, blocks};
use crate::confirmation::{Confirmation, Proof, Verdict};
use crate::origin::Mode;
use crate::words;

words! {
    /// The status of the plan. The order of the variants is the rank that decides between claims of one time, or of no
    /// time.
    pub enum PlanStatus {
        Pending,
        Allocated,
        Suspended,
        Active,
        Depleted,
        Expired,
        Cancelled,
        Revoked,
    }
}

impl PlanStatus {
    /// No top-up brings it back.
    pub fn is_over(self) -> bool {
        match self {
            Self::Expired | Self::Cancelled | Self::Revoked => true,
            Self::Pending | Self::Allocated | Self::Suspended | Self::Active | Self::Depleted => false,
        }
    }
}

words! {
    /// Where the profile is: on the SM-DP+ server, or on the device. ENABLED and DISABLED alternate freely, so only
    /// their times decide; the rank is for claims of one time.
    pub enum ProfileStatus {
        Released,
        Downloaded,
        Installed,
        Enabled,
        Disabled,
        Deleted,
    }
}

impl ProfileStatus {
    /// Whether the profile sits on a device.
    pub fn is_on_device(self) -> bool {
        match self {
            Self::Installed | Self::Enabled | Self::Disabled => true,
            Self::Released | Self::Downloaded | Self::Deleted => false,
        }
    }
}

/// What is used of an allowance, in bytes. Of two claims of one time the larger allowance, then the larger use, wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Usage {
    pub total_bytes: u64,
    pub used_bytes: u64,
}

impl Usage {
    /// The share that is used, in whole %, at most 100; `None` without an allowance.
    pub fn percent(self) -> Option<u8> {
        let percent = (u128::from(self.used_bytes) * 100).checked_div(u128::from(self.total_bytes))?;
        Some(u8::try_from(percent.min(100)).unwrap_or(100))
    }
}

/// What it takes to install the profile. Its `Debug` form shows none of it: whoever reads it can take the eSIM.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Install {
    /// The whole activation code, `LPA:1$<SM-DP+ address>$<matching id>`.
    pub activation_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puk: Option<String>,
    /// A picture of the code at the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr_code_url: Option<String>,
    /// Installs with one tap on iOS 17.4 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apple_install_url: Option<String>,
}

impl Install {
    pub fn new(activation_code: String) -> Self {
        Self {
            activation_code,
            confirmation_code: None,
            apn: None,
            pin: None,
            puk: None,
            qr_code_url: None,
            apple_install_url: None,
        }
    }

    /// SHA-256 (hex) of the activation code: tells codes apart where the code itself has no business.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(self.activation_code.as_bytes()))
    }
}

impl fmt::Debug for Install {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Install(hidden)")
    }
}

/// A warning that names no allowance or date it is about, so each event of its kind is a warning of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alert {
    /// % used for a warning of low data, days left for a notice of expiry.
    pub level: u32,
    /// The key of the event that gave it.
    pub event_key: String,
}

blocks! {
    /// All that is known of one eSIM.
    pub struct Esim {
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub order_ref: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub iccid: Latest<String>,
        /// The eUICC (device) that the profile was downloaded to.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub eid: Latest<String>,
        /// The provider's own number for the eSIM (eSIM Access: `esimTranNo`), which its API wants.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub provider_esim_ref: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub plan: Latest<PlanStatus>,
        /// The plan's status in the provider's own words.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub provider_plan_status: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub profile: Latest<ProfileStatus>,
        /// The profile's status in the provider's own words.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub provider_profile_status: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub install: Latest<Install>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub usage: Latest<Usage>,
        /// For each allowance (`total_bytes`) the highest share reported or implied, in % used.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub reached_percent: BTreeMap<u64, u8>,
        /// The newest warning of low data that names no allowance; dated by our receipt, having no time of its own.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub low_data_alert: Latest<Alert>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub expires_at: Latest<Timestamp>,
        /// Ends that our own clock saw pass. One that is not in force, or no longer, ends nothing.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        pub passed_ends: BTreeSet<Timestamp>,
        /// The provider's notices that `expires_at` (first) is so many days (second) away.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        pub expiry_notices: BTreeSet<(Timestamp, u32)>,
        /// The newest notice of expiry that names no date; dated by our receipt, having no time of its own.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub expiry_alert: Latest<Alert>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub package_name: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub mode: Latest<Mode>,
        /// Who stands behind the activation code, by its fingerprint.
        #[serde(skip_serializing_if = "Confirmation::is_empty")]
        pub confirmation: Confirmation<String>,
        pub heard: Heard,
    }
}

impl Esim {
    /// What is used, and the threshold that the provider named with it, in % used.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage, named_percent: Option<u8>, at: Option<Timestamp>) -> Self {
        self.usage = Latest::claim(usage, at);
        if let Some(percent) = usage.percent().max(named_percent).filter(|percent| *percent > 0) {
            self.reached_percent.insert(usage.total_bytes, percent);
        }
        self
    }

    /// To be called once a fact's times have been judged: what stands behind its activation code. An answer without one
    /// says nothing of it.
    pub(crate) fn note_proof(&mut self, proof: Proof) {
        if let Some(install) = self.install.firm_value() {
            self.confirmation.join(Confirmation::of(Some(install.fingerprint()), self.install.at(), proof));
        }
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.confirmation.verdict(self.install.value().map(Install::fingerprint).as_ref())
    }

    /// What the provider says became of the plan, or what our clock says, once the end in force has passed.
    pub fn plan_status(&self) -> Option<PlanStatus> {
        self.passed_end().map(|_| PlanStatus::Expired).or(self.plan.value().copied())
    }

    /// As of when [`plan_status`](Self::plan_status) holds.
    pub fn plan_status_at(&self) -> Option<Timestamp> {
        self.passed_end().or(self.plan.at())
    }

    fn passed_end(&self) -> Option<Timestamp> {
        self.expires_at.value().copied().filter(|end| self.passed_ends.contains(end) && !self.outlives(*end))
    }

    /// Whether what the provider says of the plan stands against its ending at `end`: that it is over anyway, or, not in
    /// passing, anything as of a later time.
    pub(crate) fn outlives(&self, end: Timestamp) -> bool {
        let is_newer = self.plan.firm_value().is_some() && self.plan.at().is_some_and(|at| at > end);
        is_newer || self.plan.value().is_some_and(|plan| plan.is_over())
    }

    pub fn profile_status(&self) -> Option<ProfileStatus> {
        self.profile.value().copied()
    }

    pub fn is_over(&self) -> bool {
        self.plan_status().is_some_and(PlanStatus::is_over)
    }

    pub fn is_depleted(&self) -> bool {
        self.plan_status() == Some(PlanStatus::Depleted)
    }

    pub fn total_bytes(&self) -> Option<u64> {
        self.usage.value().map(|usage| usage.total_bytes)
    }

    pub fn mode(&self) -> Mode {
        self.mode.value().copied().unwrap_or_default()
    }
}
