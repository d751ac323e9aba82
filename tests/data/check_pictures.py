"""What torch, torchvision and Pillow make of a folder of pictures: check_pictures.py FOLDER SEED HEIGHT WIDTH. Exit 77:
they are not here. Prints the training pictures of random_split in their order, then the test pictures: which part,
class, the path within the folder, SHA-256 of the resized bytes [3, H, W], SHA-256 of the normalised float32."""

import hashlib
import pathlib
import sys

try:
    import numpy
    import torch
    from PIL import Image
    from torchvision import datasets, transforms
except ImportError:
    sys.exit(77)

folder, seed, height, width = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])


def resized(picture):
    """By one axis and then the other: Pillow 13 chooses their order otherwise."""
    return picture.resize((width, picture.height), Image.BILINEAR).resize((width, height), Image.BILINEAR)


shown = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
everything = datasets.ImageFolder(folder, transform=resized)
count = int(0.8 * len(everything))
parts = torch.utils.data.random_split(
    everything, [count, len(everything) - count], generator=torch.Generator().manual_seed(seed)
)
for name, part in zip(("train", "test"), parts):
    for place, index in enumerate(part.indices):
        picture, label = part[place]
        pixels = numpy.ascontiguousarray(numpy.asarray(picture).transpose(2, 0, 1))
        sums = [hashlib.sha256(array.tobytes()).hexdigest() for array in (pixels, shown(picture).numpy())]
        print(name, everything.classes[label], pathlib.Path(everything.samples[index][0]).relative_to(folder), *sums)
