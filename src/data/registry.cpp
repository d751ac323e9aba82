#include "registry.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "spikelens/core/error.h"
#include "spikelens/data/dataset.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

// Checksums and sizes of the published .gz files; a distribution may pack the same content anew.
KnownDataset fashion_mnist() {
    return {
        .name = "fashion-mnist",
        .title = "Fashion-MNIST: 70,000 pictures of ten kinds of clothing, 28 x 28 (Xiao, Rasul, Vollgraf 2017)",
        .licence = "MIT",
        .classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                    "Ankle boot"},
        .mirrors = {"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
        .files =
            {{"train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
              26421880},
             {"train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515},
             {"t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102},
             {"t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148}},
    };
}

KnownDataset mnist() {
    return {
        .name = "mnist",
        .title = "MNIST: 70,000 handwritten digits, 28 x 28 (LeCun, Cortes, Burges)",
        .licence = "CC BY-SA 3.0",
        .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
        .mirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/", "http://yann.lecun.com/exdb/mnist/"},
        .files =
            {{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
              9912422},
             {"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881},
             {"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877},
             {"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542}},
    };
}

KnownDataset nmnist() {
    return {.name = "nmnist",
            .title = "N-MNIST: MNIST's digits seen by an event camera, 34 x 34 (Orchard, Jayawant, Cohen, Thakor 2015)",
            .licence = "CC BY-SA 4.0",
            .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
            .mirrors = {},
            .files = {},
            .recordings = true,
            .other_folders = {"nmnist-small"}};
}

/// The value of an environment variable that names an absolute folder.
std::optional<fs::path> folder_from(const char* variable) {
    const char* value = std::getenv(variable);
    if (!value || !fs::path(value).is_absolute()) return std::nullopt;
    return fs::path(value);
}

std::optional<fs::path> user_cache() {
    if (const auto cache = folder_from("XDG_CACHE_HOME")) return *cache / "spikelens";
    if (const auto home = folder_from("HOME")) return *home / ".cache" / "spikelens";
    return std::nullopt;
}

}  // namespace

const std::vector<KnownDataset>& registry() {
    static const std::vector<KnownDataset> known = {fashion_mnist(), mnist(), nmnist()};
    return known;
}

const KnownDataset* find_known(std::string_view name) {
    const auto found = std::ranges::find(registry(), name, &KnownDataset::name);
    return found == registry().end() ? nullptr : &*found;
}

std::vector<std::string> known_names() {
    std::vector<std::string> names;
    for (const KnownDataset& known : registry()) names.push_back(known.name);
    return names;
}

std::vector<fs::path> places_of(const KnownDataset& known) {
    std::vector<fs::path> places;
    if (const char* data = std::getenv("SPIKELENS_DATA"); data && *data) {
        places.push_back(fs::path(data) / known.name);
        for (const std::string& folder : known.other_folders) places.push_back(fs::path(data) / folder);
    }
    places.push_back(fs::path("/usr/share/datasets") / known.name);
    if (const auto cache = user_cache()) places.push_back(*cache / known.name);
    return places;
}

fs::path cache_folder() {
    if (const auto cache = user_cache()) return *cache;
    throw RunError("there is no cache folder: neither XDG_CACHE_HOME nor HOME names an absolute path");
}

}  // namespace spikelens
