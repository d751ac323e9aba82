#include <algorithm>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {
namespace {

/// One side of the network's windows.
enum class Side { rows, columns };

struct SideWindows {
    int kernel, stride, padding, dilation, pool, pool_stride, pool_padding;
};

SideWindows windows_of(const Layer& layer, Side side) {
    if (side == Side::rows)
        return {layer.kernel,    layer.stride,      layer.padding,     layer.dilation,
                layer.pool.size, layer.pool.stride, layer.pool.padding};
    return {layer.kernel_columns(), layer.stride_columns(),      layer.padding_columns(),     layer.dilation_columns(),
            layer.pool.columns(),   layer.pool.stride_columns(), layer.pool.padding_columns()};
}

/// Fields while they are followed through the network: `whole` once they are all of the side.
struct Field {
    ReceptiveField seen;
    bool whole = false;

    void widen(int window, int dilation, int64_t padding) {
        seen.size += int64_t{window - 1} * dilation * seen.stride;
        seen.start -= padding * seen.stride;
    }
};

Field united(const Field& a, const Field& b) {
    if (a.whole || b.whole || a.seen.stride != b.seen.stride) return {{}, true};
    const int64_t start = std::min(a.seen.start, b.seen.start);
    const int64_t end = std::max(a.seen.start + a.seen.size, b.seen.start + b.seen.size);
    return {{end - start, a.seen.stride, start}, false};
}

/// Of a layer before its pool, from those of its inputs after theirs.
Field field_before_pool(const Layer& layer, Side side, const std::vector<Field>& sent) {
    const auto of = [&](int input) { return input == kNetworkInput ? Field{} : sent[input]; };
    Field field = of(layer.inputs[0]);
    for (size_t i = 1; i < layer.inputs.size(); ++i) field = united(field, of(layer.inputs[i]));
    const RecurrenceKind recurrence = layer.recurrence.kind;
    if (layer.kind == LayerKind::full || recurrence == RecurrenceKind::all || recurrence == RecurrenceKind::conv)
        field.whole = true;
    if (layer.kind == LayerKind::conv) {
        const SideWindows windows = windows_of(layer, side);
        field.widen(windows.kernel, windows.dilation, windows.padding);
        field.seen.stride *= windows.stride;
    }
    return field;
}

ReceptiveField receptive_side(const Network& network, int layer, Side side, int64_t length) {
    std::vector<Field> sent;
    for (int l = 0; l <= layer; ++l) {
        const Layer& at = network.layers.at(l);
        Field field = field_before_pool(at, side, sent);
        if (l == layer) return field.whole ? ReceptiveField{length, 1, 0} : field.seen;
        if (at.pool.kind != PoolKind::none) {
            const SideWindows windows = windows_of(at, side);
            field.widen(windows.pool, 1, windows.pool_padding);
            field.seen.stride *= windows.pool_stride;
        }
        sent.push_back(field);
    }
    return {};
}

}  // namespace

ReceptiveField receptive_rows(const Network& network, int layer) {
    return receptive_side(network, layer, Side::rows, network.height);
}

ReceptiveField receptive_columns(const Network& network, int layer) {
    return receptive_side(network, layer, Side::columns, network.width);
}

ReceptiveField receptive_field(const Network& network, int layer) {
    const ReceptiveField rows = receptive_rows(network, layer), columns = receptive_columns(network, layer);
    return columns.size > rows.size ? columns : rows;
}

}  // namespace spikelens
