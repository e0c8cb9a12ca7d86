//! What must hold of whatever is found in the queue or in the spool: it is an envelope, which comes back as it was from
//! both of them, or it is refused.

use std::borrow::Cow;

use providers::decode;
use shared::envelope::{Envelope, Head};

use crate::decode::check_envelope;
use crate::input::is_ours;

/// A message: lines of `name: text`, an empty line, the body.
pub(crate) fn check_message(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (head, body) = input.split_once("\n\n").unwrap_or((&input, ""));
    let mut read = Head::default();
    for (name, text) in head.lines().filter_map(|line| line.split_once(": ")) {
        let text = Cow::from(text);
        match name {
            "message_id" => read.message_id = Some(text),
            "type" => read.kind = Some(text),
            "content_type" => read.content_type = Some(text),
            _ => drop(read.headers.insert(name.into(), text)),
        }
    }
    if let Ok(envelope) = read.envelope(body.as_bytes().to_vec()) {
        let sent = Head::of(&envelope).envelope(envelope.body.clone());
        assert_eq!(sent.as_ref(), Ok(&envelope), "it comes back from the queue");
        check(&envelope);
    }
}

/// A row of the spool: the head in the first line, the body in the rest.
pub(crate) fn check_spooled(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (head, body) = input.split_at(end);
    if let Ok(head) = serde_json::from_slice::<Envelope>(head) {
        check(&Envelope { body: body.get(1..).unwrap_or_default().to_vec(), ..head });
    }
}

fn check(envelope: &Envelope) {
    let spooled = serde_json::to_string(envelope).expect("an envelope is JSON");
    let spooled = serde_json::from_str::<Envelope>(&spooled).expect("what was spooled can be read");
    assert_eq!(Envelope { body: envelope.body.clone(), ..spooled }, *envelope, "it comes back from the spool");
    if is_ours(envelope.received_at) {
        check_envelope(envelope);
    } else {
        drop(decode(envelope));
    }
}
