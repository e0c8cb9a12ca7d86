//! A status and the reason that a provider gives for it; it knows no entity.

use serde::{Deserialize, Serialize};

/// A status with the reason that came with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatusWithReason<S> {
    pub status: S,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
