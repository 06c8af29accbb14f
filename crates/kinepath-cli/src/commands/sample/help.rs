//! What `kinepath sample --help` tells after the arguments.

/// Examples, and what the words mean.
pub(super) const AFTER: &str = "\
Examples:
  kinepath sample --field onnx:builtin:velocity --count 256 --out runs/baseline
      The embedded model, 50 Euler steps
  kinepath sample --field onnx:model.onnx --solver heun --steps 25 --gain kts:alpha=0.01,beta=0.01
      A model of your own with kinetic trajectory shaping
  kinepath sample --field onnx:model.onnx --engine ort:cuda
      The same model on an NVIDIA GPU, with the ONNX Runtime that `pip install onnxruntime-gpu` brings
  kinepath sample --field onnx:unet.onnx --time discrete:1000 --noise x0.npy --steps 50
      A flow network trained on time indices 0...999, from given noise
  kinepath sample --field onnx:ddpm.onnx --path vp:linear --predicts noise
      A diffusion network, with the energy of the straight-path flow it stands for
  kinepath sample --field onnx:sit.onnx --labels cycle:1000 --guidance 1.5 --null-label 1000
      The classes in turn, with classifier-free guidance
  kinepath sample --field onnx:t2i.onnx --inputs prompts.safetensors --null-inputs empty.safetensors --guidance 4
      A model of prompts, from their embeddings and that of the empty prompt
  kinepath sample --field onnx:model.onnx --select kpe_landing=..200 --select efficiency=0.5..
      Only samples with little landing energy and a straight path, each drawn again until it is one
  kinepath sample --field empirical:train.npz --count 64 --record profile,map,trajectory:6
      The exact flow of a data set, with all that can be recorded
  kinepath sample --field empirical:train.npz --certify off
      The same flow, every step over all training points: slow, and what the fast way agrees with
  kinepath sample --field onnx:model.onnx --gain governed:reference=runs/baseline --out runs/governed
      Damp only what is faster than 90 % of runs/baseline, recorded with --record profile
  kinepath sample --field onnx:model.onnx --count 50000 --shard 3/8 --out shares/3
      The fourth of eight shares, each on a machine of its own; then `kinepath merge shares/*`

Grids:
  uniform, cosine            t = i/n, and dense at both ends
  shift:S                    sigma = 1 - t shifted by S, as Stable Diffusion 3 does
  dynamic-shift:LENGTH       FLUX's, by the length of the image sequence, 4096 at 1024 x 1024; keys
                             base=0.5, max=1.15, base-length=256, max-length=4096, type=linear
  diffusers:S                what FlowMatchEulerDiscreteScheduler(shift=S) does by itself
  karras:SIGMA, exponential:SIGMA, beta:SIGMA
                             its spacings with use_..._sigmas, from 1 to SIGMA, then 0
  sigmas:FILE, sigmas:1,0.9,...
                             noise levels of your own; a last 0 is added where it is missing

Gains:
  unit                                          no shaping
  kts:alpha=A,beta=B[,split=T,launch=SHAPE,landing=SHAPE,rate=K]
      boost A at launch, damping B at landing; split 0.6, shapes linear (the launch's default),
      constant, exponential (the landing's default), rate 3
  ssc:alpha=A,power=P                           1 + A (1 - t)^P
  table:T=ETA,T=ETA,...                         piecewise linear
  governed:reference=RUN[,quantile=Q,strength=K,split=T]
      from T on, damp only samples faster than the Q-quantile of RUN, a run of the field without a
      gain and with --record profile; quantile 0.9, strength 1 (hold them at it), split 0.6
  FILE                                          a time and a gain on each line
  FILE.toml                                     its key `gain`: what `kinepath tune` found

Labels, prompts and guidance:
  A network with a label input (y, label, class_labels, ...) needs --labels; one with further inputs
  needs --inputs, a safetensors file with a tensor for each: [N, ...] has a row for each sample,
  [1, ...] or [...] is for all. `kinepath inspect FILE.onnx` lists what a network takes. Tensors of
  16 bits become what the network takes; rows are read when they are sampled, so the file may be
  larger than memory. Whatever does not fit is refused before the first step.
  --guidance W evaluates the network twice, with the condition c and with a null condition, and
  follows v = v_null + W (v_c - v_null): W = 1 is no guidance, and more than 1 goes beyond c. The
  null condition is --null-label, the label that the network was trained to take for no class
  (usually K where classes are 0 to K - 1; -1 is all zeros in a one-hot label), or --null-inputs, a
  file of one row of each input that differs, as with the embedding of the empty prompt.
  --guidance-interval A..B guides from t = A to t = B only, noise at 0 and data at 1, and pays for
  one evaluation elsewhere; each stage of a solver goes by its own time.
  --record parts adds kpe_conditional, the energy of v_c alone along the path travelled, and
  kpe_unconditional, that of v_null, which covers the stages inside the interval only.

Exact flows:
  Euler paths through an empirical: field are followed: a training point whose posterior weight is
  below e^-TAU, 2e-9 at the usual 20, is dropped where it is certain to stay negligible, and looked
  at again if that certainty is lost. A line of the results, and [certificate] in run.toml, bound
  what that can have changed in any velocity. A smaller TAU drops more, under a wider bound. The
  table tells which point each path ends on and from when on no other is left; with --record
  profile, entropies and effective counts of the posterior are kept too.

Shares:
  A sample depends on the seed and its index alone. --shard I/N and --range A..B sample some of the
  --count samples into a run folder of their own, and `kinepath merge` joins the folders. Batches are
  cut at the same indices whoever samples them, so shards, which are whole batches, make the same
  bytes as one process; a --range that cuts a batch in two agrees to rounding. Labels, inputs and
  noise are those of all samples: give every share the same files.

Engines:
  Without --engine, the file decides, never what is installed. ONNX Runtime is a library of its own:
  it is found in ORT_DYLIB_PATH, where the system keeps libraries, and in the onnxruntime package of
  the active Python environment. An engine gives the same bytes every time, but for TensorRT, which
  times its kernels and takes the fastest; two engines agree to rounding alone. run.toml says which
  it was, and a run goes on with that one only.

A run that was stopped goes on where it was when the same command is repeated, and ends with the
same bytes.";
