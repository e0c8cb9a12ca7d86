//! A lane: one channel with one consumer, whose messages are settled on the channel they came from.

use std::fmt;

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};

use super::{message, topology};
use crate::queue::{Lane, Message, QueueError};

/// One channel with one consumer. Messages come in the order of their tags.
pub struct BrokerLane {
    channel: Channel,
    consumer: Consumer,
    queue: String,
    /// The stream said its last word; to poll it again would wait for ever.
    ended: bool,
}

impl BrokerLane {
    pub(super) async fn open(connection: &Connection, queue: &str, prefetch: u16) -> Result<Self, QueueError> {
        let channel = connection.create_channel().await.map_err(QueueError::closed)?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await.map_err(QueueError::closed)?;
        let consumer = channel
            .basic_consume(topology::short(queue)?, "".into(), BasicConsumeOptions::default(), FieldTable::default())
            .await
            .map_err(QueueError::closed)?;
        Ok(Self { channel, consumer, queue: queue.to_owned(), ended: false })
    }

    fn read(&mut self, delivery: Option<lapin::Result<Delivery>>) -> Result<Message, QueueError> {
        match delivery {
            Some(Ok(delivery)) => Ok(Message {
                tag: delivery.delivery_tag,
                dead: message::death(&delivery.properties),
                content: message::envelope(&delivery.properties, delivery.data).map_err(|foreign| *foreign),
            }),
            Some(Err(error)) => {
                self.ended = true;
                Err(QueueError::closed(error))
            }
            None => {
                self.ended = true;
                Err(self.cancelled())
            }
        }
    }

    fn cancelled(&self) -> QueueError {
        QueueError::Cancelled { queue: self.queue.clone() }
    }
}

impl Lane for BrokerLane {
    /// An error means that the channel, the connection or the consumer is gone.
    async fn next(&mut self) -> Result<Message, QueueError> {
        if self.ended {
            return Err(self.cancelled());
        }
        let delivery = self.consumer.next().await;
        self.read(delivery)
    }

    fn next_ready(&mut self) -> Option<Result<Message, QueueError>> {
        if self.ended {
            return Some(Err(self.cancelled()));
        }
        let delivery = self.consumer.next().now_or_never()?;
        Some(self.read(delivery))
    }

    async fn acknowledge_through(&mut self, tag: u64) -> Result<(), QueueError> {
        self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.map_err(QueueError::closed)
    }
}

impl fmt::Debug for BrokerLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerLane").field("queue", &self.queue).finish_non_exhaustive()
    }
}
