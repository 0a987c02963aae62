//! A client of Faktory written with the crate `faktory`; README.md beside this folder has its contract.

use faktory::{Client, Job, Worker, WorkerId};
use std::convert::Infallible;
use std::time::Duration;

const CONCURRENCY: usize = 5;
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["worker", wid] => work(wid).await,
        ["producer", first, count] => produce(number(first), number(count)).await,
        _ => panic!("Cannot run: say `worker WID` or `producer FIRST COUNT`"),
    }
}

fn number(word: &str) -> usize {
    word.parse().expect("a number")
}

async fn work(wid: &str) {
    Worker::builder()
        .wid(WorkerId::new(wid))
        .workers(CONCURRENCY)
        .register_fn("Count", |job: Job| async move {
            println!("done {}", job.args()[0]);
            Ok::<(), Infallible>(())
        })
        .connect()
        .await
        .expect("connected")
        // Connects again as long as it can; ends the process.
        .run_to_completion(&["default"])
        .await
}

async fn produce(first: usize, count: usize) {
    let mut client: Option<Client> = None;
    let mut pushed = 0;
    let mut n = first;
    while pushed < count {
        match push(&mut client, n).await {
            Ok(()) => {
                println!("pushed {n}");
                pushed += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                println!("unknown {n} {error:?}");
                client = None;
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
        n += 1;
    }
}

async fn push(client: &mut Option<Client>, n: usize) -> Result<(), faktory::Error> {
    if client.is_none() {
        *client = Some(Client::connect().await?);
    }
    let connected = client.as_mut().expect("it was just connected");
    connected.enqueue(Job::new("Count", vec![n])).await
}
