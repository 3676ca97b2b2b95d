//! Claiming until there is no more.

use std::time::Duration;

use dtm_store::{Claims, Error, TokenSource};
use rand::Rng as _;

use crate::fault::Fault;
use crate::store::Redis;

/// How often to look again when others had taken all that could be claimed.
const LOOKS: u32 = 30;

impl Redis {
    /// Takes what is due, until there is no more or `limit` is reached. Once something is taken there is no error: it
    /// is held by a node that lives, so it has to be driven.
    pub(crate) async fn claim(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        let own = format!("{}:{}", tokens.node().as_str(), tokens.epoch().0);
        let mut claims = Claims { claimed: Vec::new(), damaged: self.damaged.unreported() };
        let mut trouble = self.take_lost(tokens, limit, &mut claims).await.err();
        let mut idle_looks = 0;
        while trouble.is_none() && claims.claimed.len() < limit {
            let room = limit - claims.claimed.len();
            let (claimed, damaged) = (claims.claimed.len(), claims.damaged.len());
            match self.look(&own, room).await {
                Ok(candidates) if candidates.entries.is_empty() => return Ok(claims),
                Ok(candidates) => {
                    trouble = self.take(tokens, candidates, room, &mut claims).await.err();
                }
                Err(fault) => trouble = Some(fault),
            }
            if claims.claimed.len() == claimed && claims.damaged.len() == damaged {
                idle_looks += 1;
                if idle_looks == LOOKS {
                    trouble.get_or_insert(Fault::Later("others take all that is due; try again".to_owned()));
                }
                let pause = Duration::from_millis(rand::rng().random_range(1..=idle_looks.min(20).into()));
                tokio::time::sleep(pause).await;
            }
        }
        match trouble {
            Some(fault) if claims.claimed.is_empty() && claims.damaged.is_empty() => Err(fault.error()),
            Some(fault) => {
                tracing::warn!(error = %fault.error(), "a claim ended early");
                Ok(claims)
            }
            None => Ok(claims),
        }
    }
}
