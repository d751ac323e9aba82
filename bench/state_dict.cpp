// How long does an image take through a network whose weights are a library's? compare_spikingjelly.py asks, and
// compares.
//
// usage: bench_state_dict WEIGHTS NETWORK C,H,W STEPS IMAGES SCORES
// IMAGES holds float32 images one after the other, SCORES is written likewise. Prints the seconds of CPU that the
// import took, and those of all images on one core.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "spikelens/model_io/import.h"
#include "spikelens/snn/simulate.h"

namespace {

using namespace spikelens;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Shape shape_of(std::string text) {
    for (char& c : text)
        if (c == ',') c = ' ';
    std::istringstream in(text);
    return {std::istream_iterator<int64_t>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 7) return std::fputs("usage: bench_state_dict WEIGHTS NETWORK C,H,W STEPS IMAGES SCORES\n", stderr), 2;
    const Shape shape = shape_of(argv[3]);
    const double start = cpu_seconds();
    Network network = import_weights(argv[1], parse_network(argv[2], shape, std::stoi(argv[4]))).network;
    const double importing = cpu_seconds() - start;
    std::ifstream file(argv[5], std::ios::binary | std::ios::ate);
    const int64_t count = file.tellg() / (4 * element_count(shape));
    FloatArray images({count, shape[0], shape[1], shape[2]});
    file.seekg(0).read(reinterpret_cast<char*>(images.data.data()), static_cast<std::streamsize>(4 * images.size()));
    Execution one_core;
    one_core.threads = 1;
    const Simulator simulator = Simulator::without_weights(std::move(network), one_core);
    const double begin = cpu_seconds();
    const FloatArray scores = simulator.run(images).scores;
    std::printf("%.3f %.4f\n", importing, cpu_seconds() - begin);
    std::ofstream(argv[6], std::ios::binary)
        .write(reinterpret_cast<const char*>(scores.data.data()), static_cast<std::streamsize>(4 * scores.size()));
}
