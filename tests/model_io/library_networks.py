"""Small networks of one library with random weights: their state dict, spiking inputs, and what the library computes.

    library_networks.py LIBRARY FOLDER

For every network: FOLDER/NAME.pth, and FOLDER/NAME.txt with lines "key value…": the network text, the input's shape, options
of the import, and arrays as their shape and values: "spikes" [N, T, C, H, W], the spike counts of layers, "scores". All is
computed in double precision.
"""
import sys
import torch
import torch.nn as nn

library, folder = sys.argv[1:3]
torch.manual_seed(1)
samples, steps = 3, 12


def array(name, values):
    values = values.detach().double()
    numbers = " ".join(repr(v) for v in values.flatten().tolist())
    return f"{name} {values.dim()} {' '.join(map(str, values.shape))} {numbers}\n"


def save(name, text, net, shape, step, options="", reset=None):
    """`step` takes the input of one step and gives spikes by layer and the readout's increment of the scores."""
    torch.save(net.float().state_dict(), f"{folder}/{name}.pth")
    net.double().eval()
    spikes = (torch.rand(samples, steps, *shape, dtype=torch.double) < 0.4).double()
    counts, scores = {}, 0
    with torch.no_grad():
        if reset: reset()
        for t in range(steps):
            fired, out = step(spikes[:, t])
            for layer, spike in fired.items():
                counts[layer] = counts.get(layer, 0) + spike
            scores = scores + out
    for layer, count in counts.items():
        assert count.sum() > 0, f"{name}: no spike in {layer}"
    with open(f"{folder}/{name}.txt", "w") as file:
        file.write(f"text {text}\nshape {' '.join(map(str, shape))}\n")
        if options: file.write(f"options {options}\n")
        file.write(array("spikes", spikes))
        for layer, count in counts.items(): file.write(array(layer, count))
        file.write(array("scores", scores / steps))


def randomise(net, gain=1.5):
    """Weights above the usual, so that neurons fire, and averages that a training would leave."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.1, 0.8)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, 0.2, 0.8)
        elif isinstance(module, (nn.Linear, nn.Conv2d)):
            with torch.no_grad(): module.weight.mul_(gain)
    return net


class Chain(nn.Module):
    """Modules in order; `names` says which module's spikes are those of which layer. The last gives scores."""

    def __init__(self, names, **modules):
        super().__init__()
        self.layers = names
        self.order = list(modules)
        for name, module in modules.items(): setattr(self, name, module)

    def step(self, x):
        fired = {}
        for name in self.order:
            x = getattr(self, name)(x)
            if isinstance(x, tuple): x = x[0]
            if name in self.layers: fired[self.layers[name]] = x
        return fired, x


def snntorch_networks():
    import snntorch as snn
    from snntorch import utils

    def chain(name, text, shape, names, options="", **modules):
        net = randomise(Chain(names, **modules), 3)
        save(name, text, net, shape, net.step, options, lambda: utils.reset(net))

    hidden = {"init_hidden": True, "spike_grad": lambda x: (x > 0).to(x.dtype)}  # its own give float32
    chain("bn_vector_beta", "4C3-LIF(beta=*,threshold=0.8,delay)-MP2-3F-LIF(beta=0.7,delay)", (2, 6, 6),
          {"lif1": "conv1", "lif2": "full2"}, conv=nn.Conv2d(2, 4, 3, padding=1, bias=False), bn=nn.BatchNorm2d(4),
          lif1=snn.Leaky(beta=torch.rand(4, 1, 1), threshold=0.8, learn_beta=True, **hidden), pool=nn.MaxPool2d(2),
          flat=nn.Flatten(), fc=nn.Linear(36, 3), lif2=snn.Leaky(beta=0.7, **hidden))
    chain("vector_threshold", "6F-LIF(beta=0.9,threshold=*,delay,reset=zero)-3F-LIF(beta=0.7,delay)", (8, 1, 1),
          {"lif1": "full1", "lif2": "full2"}, flat=nn.Flatten(), fc1=nn.Linear(8, 6),
          lif1=snn.Leaky(beta=0.9, threshold=torch.rand(6) + 0.3, reset_mechanism="zero", **hidden), fc2=nn.Linear(6, 3),
          lif2=snn.Leaky(beta=0.7, **hidden))
    chain("rleaky_all", "6F-R-LIF(beta=0.9,delay)-3F-LIF(beta=0.7,delay)", (8, 1, 1), {"lif1": "full1", "lif2": "full2"},
          flat=nn.Flatten(), fc1=nn.Linear(8, 6), lif1=snn.RLeaky(0.9, linear_features=6, **hidden), fc2=nn.Linear(6, 3),
          lif2=snn.Leaky(beta=0.7, **hidden))
    chain("rleaky_one", "6F-R1-LIF(beta=0.9,delay)-3F-LIF(beta=0.7,delay)", (8, 1, 1), {"lif1": "full1", "lif2": "full2"},
          flat=nn.Flatten(), fc1=nn.Linear(8, 6), lif1=snn.RLeaky(0.9, V=torch.rand(6), all_to_all=False, **hidden),
          fc2=nn.Linear(6, 3), lif2=snn.Leaky(beta=0.7, **hidden))
    chain("rleaky_conv", "4C3-RC3-LIF(beta=0.9,delay)-3F-LIF(beta=0.7,delay)", (2, 5, 5), {"lif1": "conv1", "lif2": "full2"},
          conv=nn.Conv2d(2, 4, 3, padding=1), lif1=snn.RLeaky(0.9, conv2d_channels=4, kernel_size=3, **hidden),
          flat=nn.Flatten(), fc=nn.Linear(100, 3), lif2=snn.Leaky(beta=0.7, **hidden))
    chain("rsynaptic", "6F-R-LIF(beta=0.8,alpha=0.5,delay)-3F-LIF(beta=0.7,alpha=0.25,delay)", (8, 1, 1),
          {"lif1": "full1", "lif2": "full2"}, flat=nn.Flatten(), fc1=nn.Linear(8, 6),
          lif1=snn.RSynaptic(0.5, 0.8, linear_features=6, **hidden), fc2=nn.Linear(6, 3),
          lif2=snn.Synaptic(alpha=0.25, beta=0.7, **hidden))
    net = randomise(Chain({"lif1": "full1"}, flat=nn.Flatten(), fc1=nn.Linear(8, 6),
                          lif1=snn.Leaky(beta=0.9, graded_spikes_factor=0.5, **hidden), fc2=nn.Linear(6, 3)))

    def graded(x):
        fired, out = net.step(x)
        return {layer: spikes / 0.5 for layer, spikes in fired.items()}, out

    save("graded", "6F-LIF(beta=0.9,delay)-3F", net, (8, 1, 1), graded, "", lambda: utils.reset(net))


def torch_networks():
    """Neurons written out, as in the papers' own code; what torch does to weights."""
    from torch.nn.utils import prune, weight_norm
    from torch.nn.utils.parametrizations import weight_norm as parametrised

    def integrate(v, x):
        v = 0.9 * v + x
        spike = (v > 1).double()
        return v - spike, spike

    net = nn.ModuleDict({"conv1": nn.Conv2d(2, 4, 3, padding=1), "conv2": nn.Conv2d(4, 4, 3, padding=1),
                         "conv3": nn.Conv2d(4, 4, 1), "fc": nn.Linear(100, 3)})
    randomise(net, 4)
    prune.l1_unstructured(net["conv1"], "weight", amount=0.3)
    weight_norm(net["conv2"])
    parametrised(net["conv3"])
    state = {}

    def step(x):
        fired = {}
        for name in ("conv1", "conv2", "conv3"):
            state[name], x = integrate(state.get(name, 0), net[name](x))
            fired[name] = x
        return fired, net["fc"](x.flatten(1))

    neuron = "-LIF(beta=0.9)-"
    save("pruned_and_normed", f"4C3{neuron}4C3{neuron}4C1{neuron}3F", net, (2, 5, 5), step)


def spikingjelly_networks():
    from spikingjelly.activation_based import functional, layer, neuron

    jelly = "LIF(beta=0.5,decay_input,reset=zero,ge)"

    def chain(name, text, shape, names, options="", **modules):
        net = randomise(Chain(names, **modules), 3)
        save(name, text, net, shape, net.step, options, lambda: functional.reset_net(net))

    plif = neuron.ParametricLIFNode(init_tau=2.5)
    chain("bn_plif", "4C3-LIF(beta=0.6,decay_input,reset=zero,ge)-AP2-3F", (2, 6, 6), {"sn": "conv1"},
          conv=layer.Conv2d(2, 4, 3, padding=1, bias=False), bn=layer.BatchNorm2d(4), sn=plif, pool=layer.AvgPool2d(2),
          flat=layer.Flatten(), fc=layer.Linear(36, 3))
    recurrent = layer.LinearRecurrentContainer(neuron.LIFNode(), 8, 8, True)
    chain("linear_recurrent", f"8F-R-{jelly}-3F", (8, 1, 1), {"cell": "full1"}, flat=layer.Flatten(), cell=recurrent,
          fc=layer.Linear(8, 3))
    element = layer.ElementWiseRecurrentContainer(neuron.LIFNode(), lambda y, x: y + x)
    chain("element_wise", f"6F-R1-{jelly}-3F", (8, 1, 1), {"cell": "full1"}, "full1.recurrent=1", flat=layer.Flatten(),
          fc1=layer.Linear(8, 6), cell=element, fc2=layer.Linear(6, 3))

    class Sew(nn.Module):
        """A block with a downsampling convolution and one without, as in spikingjelly's sew_resnet.py."""

        def __init__(self):
            super().__init__()
            self.conv1, self.bn1, self.sn1 = layer.Conv2d(2, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4), neuron.LIFNode()
            self.layer1 = nn.Sequential(Block(4, 6, 2), Block(6, 6, 1))
            self.fc = layer.Linear(6, 3)

        def step(self, x):
            fired = {"conv1": self.sn1(self.bn1(self.conv1(x)))}
            x = self.layer1[0](fired["conv1"], fired, "conv2", "conv3", "conv4")
            x = self.layer1[1](x, fired, "conv6", "conv7", None)
            return fired, self.fc(x.mean((2, 3)))

    class Block(nn.Module):
        def __init__(self, inputs, planes, stride):
            super().__init__()
            self.conv1 = layer.Conv2d(inputs, planes, 3, stride=stride, padding=1, bias=False)
            self.bn1, self.sn1 = layer.BatchNorm2d(planes), neuron.LIFNode()
            self.conv2 = layer.Conv2d(planes, planes, 3, padding=1, bias=False)
            self.bn2, self.sn2 = layer.BatchNorm2d(planes), neuron.LIFNode()
            self.downsample = None
            if stride != 1:
                self.downsample = nn.Sequential(layer.Conv2d(inputs, planes, 1, stride=stride, bias=False),
                                                layer.BatchNorm2d(planes))
                self.downsample_sn = neuron.LIFNode()

        def forward(self, x, fired, first, second, down):
            fired[first] = self.sn1(self.bn1(self.conv1(x)))
            fired[second] = self.sn2(self.bn2(self.conv2(fired[first])))
            if down: x = fired[down] = self.downsample_sn(self.downsample(x))
            return x + fired[second]

    net = randomise(Sew(), 3)
    save("sew_block", f"4C3-{jelly}-[6C3s2-{jelly}-6C3-{jelly}|6C1s2-{jelly}]add-[6C3-{jelly}-6C3-{jelly}|]add-GAP-3F", net,
         (2, 6, 6), net.step, "", lambda: functional.reset_net(net))


def norse_networks():
    import norse.torch as norse

    net = nn.ModuleDict({"cell": norse.LIFRecurrentCell(8, 6), "fc": nn.Linear(6, 3)})
    with torch.no_grad(): net["cell"].input_weights.mul_(6)
    state = [None]

    def step(x):
        spikes, state[0] = net["cell"](x.flatten(1), state[0])
        return {"full1": spikes}, net["fc"](spikes)

    save("norse_recurrent", "6Fb0-R-LIF(beta=0.9,alpha=0.8,gain=0.1,reset=zero)-3F", net, (8, 1, 1), step)


def sinabs_networks():
    import sinabs.activation as sina
    import sinabs.layers as sl

    single = {"spike_fn": sina.SingleSpike, "norm_input": False}
    net = randomise(Chain({"lif1": "full1", "lif2": "full2"}, flat=nn.Flatten(), fc1=nn.Linear(8, 6),
                          lif1=sl.LIF(tau_mem=10., spike_threshold=torch.tensor(0.8), **single), fc2=nn.Linear(6, 4),
                          lif2=sl.LIFRecurrent(tau_mem=5., rec_connect=nn.Linear(4, 4, bias=False), **single),
                          fc3=nn.Linear(4, 3)))

    def step(x):
        fired = {}
        x = net.fc1(x.flatten(1))
        fired["full1"] = x = net.lif1(x.unsqueeze(1))[:, 0].double()
        return step2(fired, x)

    rec = torch.zeros(samples, 4, dtype=torch.double)

    def step2(fired, x):
        # one step at a time, as the layer itself does over all: the recurrent part of the step before is added
        nonlocal rec
        state = {"v_mem": net.lif2.v_mem if net.lif2.v_mem.numel() else torch.zeros(samples, 4, dtype=torch.double)}
        v = torch.exp(-1 / net.lif2.tau_mem) * state["v_mem"] + net.fc2(x) + rec
        spikes = (v >= net.lif2.spike_threshold).double()
        net.lif2.v_mem = v - spikes * net.lif2.spike_threshold
        rec = net.lif2.rec_connect(spikes)
        fired["full2"] = spikes
        return fired, net.fc3(spikes)

    save("sinabs", "6F-LIF(beta=0.9048374,threshold=0.8,ge)-4F-R-LIF(beta=0.8187308,ge)-3F", net, (8, 1, 1), step)


{"torch": torch_networks, "snntorch": snntorch_networks, "spikingjelly": spikingjelly_networks, "norse": norse_networks,
 "sinabs": sinabs_networks}[library]()
