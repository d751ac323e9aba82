#include "linear_map.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "snn/graph.h"

namespace spikelens {
namespace {

void add_scaled(float* __restrict sum, const float* __restrict values, float scale, int64_t count) {
    for (int64_t i = 0; i < count; ++i) sum[i] += scale * values[i];
}

/// Eight partial sums, so that the loop has a fixed order and still runs in vector lanes.
float dot(const float* a, const float* b, int64_t count) {
    std::array<float, 8> lanes{};
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (int64_t lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    }
    for (; i < count; ++i) lanes[i % 8] += a[i] * b[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/// [rows, columns] → [columns, rows]; turns (channel, pixel) order into (pixel, channel) order and back.
std::vector<float> transpose(std::span<const float> matrix, int64_t rows, int64_t columns) {
    std::vector<float> result(matrix.size());
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < columns; ++c) result[c * rows + r] = matrix[r * columns + c];
    }
    return result;
}

/// Every pair of an input pixel and an output pixel that a tap of the kernel connects, in a fixed order.
template <class Visit>
void for_each_tap(const Layer& layer, Visit visit) {
    const int columns = layer.kernel_columns();
    for (int64_t oy = 0; oy < layer.out_height; ++oy) {
        for (int64_t ox = 0; ox < layer.out_width; ++ox) {
            for (int64_t tap = 0; tap < int64_t{layer.kernel} * columns; ++tap) {
                const int64_t y = oy * layer.stride - layer.padding + tap / columns * layer.dilation;
                const int64_t x =
                    ox * layer.stride_columns() - layer.padding_columns() + tap % columns * layer.dilation_columns();
                if (y < 0 || y >= layer.in_height || x < 0 || x >= layer.in_width) continue;
                visit(y * layer.in_width + x, oy * layer.out_width + ox, tap);
            }
        }
    }
}

}  // namespace

LinearMap::LinearMap(const Layer& layer) : layer_(layer) {
    inputs_ = int64_t{layer.in_channels} * layer.in_height * layer.in_width;
    outputs_ = int64_t{layer.out_channels} * layer.out_height * layer.out_width;
    if (layer.kind == LayerKind::full) return;
    const int64_t ins = layer.in_channels / layer.groups, outs = layer.out_channels / layer.groups;  // of a group
    const int64_t taps = int64_t{layer.kernel} * layer.kernel_columns();
    by_input_.resize(layer.weight.data.size());
    by_output_.resize(layer.weight.data.size());
    for (int64_t o = 0; o < layer.out_channels; ++o) {
        for (int64_t i = 0; i < ins; ++i) {
            for (int64_t tap = 0; tap < taps; ++tap) {
                const float weight = layer.weight.data[(o * ins + i) * taps + tap];
                by_input_[(tap * layer.in_channels + o / outs * ins + i) * outs + o % outs] = weight;
                by_output_[(tap * layer.out_channels + o) * ins + i] = weight;
            }
        }
    }
}

std::vector<float> LinearMap::apply(std::span<const float> in) const {
    assert(static_cast<int64_t>(in.size()) == inputs_);
    if (layer_.kind == LayerKind::conv) return convolve(in);
    std::vector<float> out(outputs_);
    for (int64_t o = 0; o < outputs_; ++o) out[o] = dot(layer_.weight.data.data() + o * inputs_, in.data(), inputs_);
    return out;
}

std::vector<float> LinearMap::apply_transposed(std::span<const float> out) const {
    assert(static_cast<int64_t>(out.size()) == outputs_);
    if (layer_.kind == LayerKind::conv) return convolve_transposed(out);
    std::vector<float> in(inputs_);
    add_transposed(out, in);
    return in;
}

std::vector<float> LinearMap::convolve(std::span<const float> in) const {
    const int64_t channels = layer_.in_channels, filters = layer_.out_channels;
    const int64_t ins = channels / layer_.groups, outs = filters / layer_.groups;
    const std::vector<float> pixels = transpose(in, channels, inputs_ / channels);
    std::vector<float> sums(outputs_);
    for_each_tap(layer_, [&](int64_t from, int64_t to, int64_t tap) {
        const float* values = pixels.data() + from * channels;
        for (int64_t i = 0; i < channels; ++i) {
            if (values[i] == 0) continue;
            add_scaled(sums.data() + to * filters + i / ins * outs, by_input_.data() + (tap * channels + i) * outs,
                       values[i], outs);
        }
    });
    return transpose(sums, outputs_ / filters, filters);
}

std::vector<float> LinearMap::convolve_transposed(std::span<const float> out) const {
    const int64_t channels = layer_.in_channels, filters = layer_.out_channels;
    const int64_t ins = channels / layer_.groups, outs = filters / layer_.groups;
    const std::vector<float> pixels = transpose(out, filters, outputs_ / filters);
    std::vector<float> sums(inputs_);
    for_each_tap(layer_, [&](int64_t to, int64_t from, int64_t tap) {
        const float* values = pixels.data() + from * filters;
        for (int64_t o = 0; o < filters; ++o) {
            if (values[o] == 0) continue;
            add_scaled(sums.data() + to * channels + o / outs * ins, by_output_.data() + (tap * filters + o) * ins,
                       values[o], ins);
        }
    });
    return transpose(sums, inputs_ / channels, channels);
}

/// One value of the output, to what lies under its kernel.
void LinearMap::add_kernel(int64_t output, float value, std::span<float> in) const {
    const int64_t pixels = int64_t{layer_.out_height} * layer_.out_width, columns = layer_.kernel_columns();
    const int64_t filter = output / pixels, ins = layer_.in_channels / layer_.groups;
    const int64_t first_channel = filter / (layer_.out_channels / layer_.groups) * ins;
    const int64_t top = output % pixels / layer_.out_width * layer_.stride - layer_.padding;
    const int64_t left = output % layer_.out_width * layer_.stride_columns() - layer_.padding_columns();
    const int64_t apart = layer_.dilation_columns();
    const int64_t begin = left < 0 ? (-left + apart - 1) / apart : 0;
    const int64_t end = std::min(columns, (layer_.in_width - left + apart - 1) / apart);
    const float* weight = layer_.weight.data.data() + filter * ins * layer_.kernel * columns;
    for (int64_t channel = first_channel; channel < first_channel + ins; ++channel)
        for (int64_t ky = 0; ky < layer_.kernel; ++ky, weight += columns) {
            const int64_t y = top + ky * layer_.dilation;
            if (y < 0 || y >= layer_.in_height) continue;
            const int64_t row = (channel * layer_.in_height + y) * layer_.in_width + left;
            for (int64_t kx = begin; kx < end; ++kx) in[row + kx * apart] += value * weight[kx];
        }
}

void LinearMap::add_transposed(std::span<const float> out, std::span<float> in) const {
    assert(static_cast<int64_t>(out.size()) == outputs_ && static_cast<int64_t>(in.size()) == inputs_);
    if (layer_.kind == LayerKind::full) {
        for (int64_t o = 0; o < outputs_; ++o)
            if (out[o] != 0) add_scaled(in.data(), layer_.weight.data.data() + o * inputs_, out[o], inputs_);
        return;
    }
    constexpr int64_t few = 8;  // one in so many; where there are more, all channels under a tap are added together
    std::vector<int64_t> places;
    for (int64_t o = 0; o < outputs_; ++o)
        if (out[o] != 0) places.push_back(o);
    if (few * static_cast<int64_t>(places.size()) > outputs_)
        return add_scaled(in.data(), convolve_transposed(out).data(), 1, inputs_);
    for (const int64_t place : places) add_kernel(place, out[place], in);
}

LinearMaps::LinearMaps(const Network& network) : weights_(network.layers.size()), recurrences_(network.layers.size()) {
    for (size_t l = 0; l < network.layers.size(); ++l) {
        if (network.layers[l].weighted()) weights_[l].emplace(network.layers[l]);
        if (std::optional<Layer> own = recurrence_as_layer(network.layers[l]))
            recurrences_[l] = std::make_unique<const Recurring>(*std::move(own));
    }
}

}  // namespace spikelens
