//! W3C trace context: one id that follows a webhook from its request through the queue to the delivery.

use std::fmt;

/// A `traceparent` header, version 00 (W3C Trace Context, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    sampled: bool,
}

impl TraceContext {
    /// A new trace; the bits are the caller's randomness.
    pub fn start(random: [u8; 24]) -> Self {
        let (mut trace_id, mut parent_id) = ([0; 16], [0; 8]);
        trace_id.copy_from_slice(&random[..16]);
        parent_id.copy_from_slice(&random[16..]);
        // All zeroes is the one forbidden value.
        trace_id[0] |= u8::from(trace_id == [0; 16]);
        parent_id[0] |= u8::from(parent_id == [0; 8]);
        Self { trace_id, parent_id, sampled: true }
    }

    /// Reads a header; `None` if it is not one, in which case the standard says to start anew.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version.len() != 2 || version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let context = Self {
            trace_id: decode(trace_id)?,
            parent_id: decode(parent_id)?,
            sampled: decode::<1>(flags)?[0] & 1 == 1,
        };
        (context.trace_id != [0; 16] && context.parent_id != [0; 8]).then_some(context)
    }

    /// The same trace, one step on; the bits are the caller's randomness.
    #[must_use]
    pub fn child(self, random: [u8; 8]) -> Self {
        let mut parent_id = random;
        parent_id[0] |= u8::from(parent_id == [0; 8]);
        Self { parent_id, ..self }
    }

    /// 32 lower-case hex digits.
    pub fn trace_id(&self) -> String {
        hex::encode(self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex::encode(self.trace_id), hex::encode(self.parent_id), u8::from(self.sampled))
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let lower_case = text.bytes().all(|byte| !byte.is_ascii_uppercase());
    let mut bytes = [0; N];
    (lower_case && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_reading_and_writing() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(header).unwrap().to_string(), header);
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let parent = TraceContext::start([7; 24]);
        let child = parent.child([9; 8]);
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_ne!(child, parent);
    }

    #[test]
    fn what_is_not_a_header_is_refused() {
        for header in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(header), None, "{header}");
        }
    }
}
