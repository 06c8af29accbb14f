//! The arguments that tell a network's conventions.

use clap::Args;
use kinepath_study::conventions::ConventionWords;

/// What --path, --predicts and --time take, for the help of commands that have them.
pub(crate) const CONVENTIONS: &str = "\
Conventions of networks (docs/conventions.md lists published models):
  flow matching, SiT         --predicts velocity --time unit
  Stable Diffusion 3, FLUX   --predicts velocity --time reversed+scaled:1000 (or reversed)
  DDPM, ADM                  --path vp:linear --predicts noise
  improved DDPM              --path vp:cosine --predicts noise
  Stable Diffusion 1         --path vp:scaled-linear --predicts noise
  Stable Diffusion 2         --path vp:scaled-linear --predicts v
  EDM                        --path edm:0.5, or --path ve --predicts data for D(x; sigma)
  Networks of other paths than the straight one are used as straight-path velocities, so energies
  compare. Paths take steps=, start=, end= (the schedule's T, first and last beta), terminal=zero
  (no signal at the last step) and min=, max= (the noise levels sigma/alpha the network is asked
  about), such as vp:linear,start=0.0015,end=0.0195 or edm:0.5,max=50.";

/// The conventions of a network.
#[derive(Debug, Args)]
pub(crate) struct ConventionArgs {
    /// What the network predicts: velocity, data, noise, v (v-prediction) or residual (EDM's F)
    /// [default: velocity; on the path edm residual]
    #[arg(long, value_name = "WHAT", help_heading = "Model")]
    predicts: Option<String>,
    /// The network's time: unit, reversed, discrete:T (index floor(t (T-1))) or scaled:S; on other
    /// paths than the straight one step (of its training), sigma or c-noise [default: the path's:
    /// unit, step, sigma, c-noise]
    #[arg(long, value_name = "TIME", help_heading = "Model")]
    time: Option<String>,
    /// The path it was trained on: straight, vp:linear, vp:scaled-linear, vp:cosine, vp:FILE
    /// (alphas_cumprod), ve or edm:SIGMA_DATA, see below [default: straight]
    #[arg(long, value_name = "PATH", help_heading = "Model")]
    path: Option<String>,
}

impl ConventionArgs {
    /// The words for the conventions.
    pub(crate) fn words(&self) -> ConventionWords {
        ConventionWords {
            predicts: self.predicts.clone(),
            time: self.time.clone(),
            path: self.path.clone(),
        }
    }
}
