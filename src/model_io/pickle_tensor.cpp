#include "pickle_tensor.h"

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"

#include "pickle_globals.h"

namespace spikelens {
namespace {

constexpr size_t kMostAxes = 16;
constexpr int kDeepestParameter = 4;
constexpr int64_t kMostElements = int64_t{1} << 48;

[[noreturn]] void fail(const std::string& where, const std::string& what) { throw InputError(where + " " + what); }

bool is_parameter(const PickleValue& value) {
    return value.text == "torch._utils._rebuild_parameter" ||
           value.text == "torch._utils._rebuild_parameter_with_state" || value.text == "torch.nn.parameter.Parameter";
}

int64_t integer(const PickleValue& value, const std::string& where) {
    if (value.kind != PickleKind::integer) fail(where, "has a size, stride or offset that is no number");
    return value.integer;
}

/// A tuple of numbers, or torch.Size of one.
Shape numbers(const Pickle& pickle, const PickleValue& value, const std::string& where) {
    const bool size = value.kind == PickleKind::call && value.text == "torch.Size" && value.items.size() == 1;
    const PickleValue& tuple = size ? pickle[value.items[0]] : value;
    if (tuple.kind != PickleKind::tuple) fail(where, "has a size or strides that are no tuple");
    if (tuple.items.size() > kMostAxes)
        fail(where, fmt::format("has {} axes, more than {}", tuple.items.size(), kMostAxes));
    Shape extents;
    for (const PickleId id : tuple.items) extents.push_back(integer(pickle[id], where));
    return extents;
}

/// Arguments of _rebuild_tensor_v2: storage, offset, size, stride, requires_grad, hooks[, metadata]; the first four are
/// those of _rebuild_tensor. Whether a gradient was wanted does not matter here.
void check_arguments(const Pickle& pickle, const PickleValue& call, const std::string& where) {
    const size_t count = call.items.size();
    const bool second = call.text == "torch._utils._rebuild_tensor_v2";
    if (second ? count != 6 && count != 7 : count != 4)
        fail(where, "is rebuilt from " + counted(static_cast<int64_t>(count), "value"));
    if (count < 7) return;
    const PickleValue& metadata = pickle[call.items[6]];
    const bool plain =
        metadata.kind == PickleKind::none || (metadata.kind == PickleKind::dict && metadata.items.empty());
    if (!plain) fail(where, "is marked (conjugated or negated when read), which is not supported");
}

}  // namespace

bool is_tensor(const PickleValue& value) {
    return value.kind == PickleKind::call && (is_parameter(value) || value.text == "torch._utils._rebuild_tensor_v2" ||
                                              value.text == "torch._utils._rebuild_tensor");
}

StorageReference storage_reference(const Pickle& pickle, const PickleValue& persistent, const std::string& where) {
    const PickleValue& id = pickle[persistent.items[0]];
    const bool complete = id.kind == PickleKind::tuple && (id.items.size() == 5 || id.items.size() == 6);
    if (!complete || pickle[id.items[0]].kind != PickleKind::text || pickle[id.items[0]].text != "storage" ||
        pickle[id.items[1]].kind != PickleKind::global || pickle[id.items[2]].kind != PickleKind::text ||
        pickle[id.items[4]].kind != PickleKind::integer)
        fail(where, "refers to something outside the pickle that is no storage");
    if (id.items.size() == 6 && pickle[id.items[5]].kind != PickleKind::none)
        fail(where, "holds a storage that is a view of another, as only versions before 0.4 of PyTorch wrote");
    const PickleValue &type = pickle[id.items[1]], &key = pickle[id.items[2]], &count = pickle[id.items[4]];
    const bool untyped = type.text.ends_with("UntypedStorage");
    const std::optional<TensorType> known = untyped ? TensorType::u8 : storage_type(type.text);
    if (!known)
        fail(where, "has a storage of the type " + shown(type.text) + ", expected for example torch.FloatStorage");
    if (count.integer < 0 || count.integer > kMostElements)
        fail(where, "has a storage of " + counted(count.integer, "element") + ", which cannot be");
    return {key.text, *known, count.integer};
}

PickledTensor pickled_tensor(const Pickle& pickle, const PickleValue& call, const std::string& where) {
    const PickleValue* tensor = &call;
    for (int depth = 0; is_tensor(*tensor) && is_parameter(*tensor); ++depth) {
        if (tensor->items.empty() || depth == kDeepestParameter) fail(where, "is a parameter of no tensor");
        tensor = &pickle[tensor->items[0]];
    }
    if (!is_tensor(*tensor)) fail(where, "is a parameter of no tensor");
    check_arguments(pickle, *tensor, where);
    const PickleValue& storage = pickle[tensor->items[0]];
    if (storage.kind != PickleKind::persistent) fail(where, "has no storage");
    PickledTensor read;
    read.storage = storage_reference(pickle, storage, where);
    read.offset = integer(pickle[tensor->items[1]], where);
    read.shape = numbers(pickle, pickle[tensor->items[2]], where);
    read.strides = numbers(pickle, pickle[tensor->items[3]], where);
    const std::string fault = view_fault(read.shape, read.strides, read.offset, read.storage.count);
    if (!fault.empty()) fail(where, fault);
    return read;
}

}  // namespace spikelens
