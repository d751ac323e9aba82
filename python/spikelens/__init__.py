"""What has a spiking neural network learned, and why did it decide?

    net = spikelens.load("runs/fashion")                       # or parse, from_nir, from_torch
    net.simulate(images).predictions                           # exact: the same bits on every machine
    spikelens.attribute(net, images, "ig2d", target=3)         # maps; methods() lists the methods
    spikelens.evaluate(net, images, methods=["ig2d", "gate"])  # which map can be trusted; metrics() lists the metrics
    spikelens.Interpretation(net, images).filters(3)           # the filters that drive a class
    spikelens.evidence(net, images, target=3).ranked()         # what each filter brought to its score
    spikelens.decision_times(net, images).decided              # after which step the prediction no longer changed

Arrays of NumPy, of PyTorch on the CPU, and of anything with DLPack go in; arrays of NumPy come out.
"""

from importlib.metadata import version as _version

from spikelens import attr
from spikelens._catalogue import methods, metrics
from spikelens._core import InputError, RunError
from spikelens.attribution import Attribution, attribute
from spikelens.decision_time import DecisionTimes, decision_times
from spikelens.evaluation import evaluate
from spikelens.filter_evidence import FilterEvidence, evidence
from spikelens.from_torch import from_torch
from spikelens.interpretation import Interpretation
from spikelens.network import Network, Simulation, from_nir, load, parse
from spikelens.quantus import as_module, explainer

__version__ = _version("spikelens")
__all__ = [
    "Attribution",
    "DecisionTimes",
    "FilterEvidence",
    "InputError",
    "Interpretation",
    "Network",
    "RunError",
    "Simulation",
    "as_module",
    "attr",
    "attribute",
    "decision_times",
    "evaluate",
    "evidence",
    "explainer",
    "from_nir",
    "from_torch",
    "load",
    "methods",
    "metrics",
    "parse",
]
