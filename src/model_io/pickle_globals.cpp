#include "pickle_globals.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace spikelens {
namespace {

constexpr std::array<std::string_view, 3> kCallable = {"torch.Size", "torch.device", "torch.nn.parameter.Parameter"};
constexpr std::array<std::string_view, 4> kRebuilders = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter",
                                                         "_rebuild_parameter_with_state"};
/// How pickles of protocol 2 write Python's bytes.
constexpr std::array<std::string_view, 3> kBytesMakers = {"_codecs.encode", "__builtin__.bytes", "builtins.bytes"};
/// Kinds of dictionaries. Of a Namespace the attributes are all there is.
constexpr std::array<std::string_view, 7> kDicts = {"collections.OrderedDict",
                                                    "collections.Counter",
                                                    "collections.defaultdict",
                                                    "argparse.Namespace",
                                                    "types.SimpleNamespace",
                                                    "lightning_fabric.utilities.data.AttributeDict",
                                                    "pytorch_lightning.utilities.parsing.AttributeDict"};
constexpr std::array<std::string_view, 5> kLists = {"collections.deque", "builtins.set", "builtins.frozenset",
                                                    "__builtin__.set", "__builtin__.frozenset"};
/// Values that training scripts keep beside the weights: scalars and arrays of NumPy, paths, dates, versions.
constexpr std::array<std::string_view, 25> kInert = {"numpy.core.multiarray.scalar",
                                                     "numpy._core.multiarray.scalar",
                                                     "numpy.core.multiarray._reconstruct",
                                                     "numpy._core.multiarray._reconstruct",
                                                     "numpy.core.numeric._frombuffer",
                                                     "numpy._core.numeric._frombuffer",
                                                     "numpy.dtype",
                                                     "pathlib.PosixPath",
                                                     "pathlib.WindowsPath",
                                                     "pathlib.PurePosixPath",
                                                     "pathlib.PureWindowsPath",
                                                     "pathlib._local.PosixPath",
                                                     "pathlib._local.WindowsPath",
                                                     "builtins.bytearray",
                                                     "builtins.complex",
                                                     "builtins.range",
                                                     "builtins.slice",
                                                     "__builtin__.bytearray",
                                                     "__builtin__.complex",
                                                     "__builtin__.xrange",
                                                     "__builtin__.slice",
                                                     "datetime.datetime",
                                                     "datetime.date",
                                                     "datetime.timedelta",
                                                     "torch.torch_version.TorchVersion"};
/// What they name: the class of an array, what a defaultdict makes.
constexpr std::array<std::string_view, 14> kNamed = {
    "numpy.ndarray",   "builtins.list",     "builtins.dict",   "builtins.int",     "builtins.float",
    "builtins.str",    "builtins.bool",     "builtins.tuple",  "__builtin__.list", "__builtin__.dict",
    "__builtin__.int", "__builtin__.float", "__builtin__.str", "__builtin__.tuple"};
constexpr std::array<std::string_view, 12> kTypes = {"float16", "bfloat16", "float32",   "float64",
                                                     "int8",    "int16",    "int32",     "int64",
                                                     "uint8",   "bool",     "complex64", "complex128"};
constexpr std::array<std::string_view, 4> kUntyped = {"torch.UntypedStorage", "torch.storage.UntypedStorage",
                                                      "torch.storage._UntypedStorage", "torch.storage.TypedStorage"};
constexpr std::array<std::pair<std::string_view, TensorType>, 12> kStorages = {
    {{"Float", TensorType::f32},
     {"Half", TensorType::f16},
     {"BFloat16", TensorType::bf16},
     {"Double", TensorType::f64},
     {"Char", TensorType::i8},
     {"Short", TensorType::i16},
     {"Int", TensorType::i32},
     {"Long", TensorType::i64},
     {"Byte", TensorType::u8},
     {"Bool", TensorType::boolean},
     {"ComplexFloat", TensorType::complex64},
     {"ComplexDouble", TensorType::complex128}}};
/// What asks for these, and what to save instead.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kAdvice = {
    {{"torch.q", "it holds quantised weights: save their dequantize()"},
     {"torch._utils._rebuild_qtensor", "it holds quantised weights: save their dequantize()"},
     {"torch._utils._rebuild_sparse", "it holds sparse tensors: save their to_dense()"},
     {"torch._utils._rebuild_meta_tensor", "it holds tensors of the device meta, which have no values"},
     {"torch._utils._rebuild_tensor_v3", "it holds tensors of a type such as float8: save them as float32"},
     {"", "to save weights alone: torch.save(model.state_dict(), file)"}}};
constexpr size_t kLongestShown = 100;

bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool is_one_of(std::string_view name, const auto& names) { return std::ranges::find(names, name) != names.end(); }

}  // namespace

std::optional<TensorType> storage_type(std::string_view name) {
    if (!take(name, "torch.") || !name.ends_with("Storage")) return std::nullopt;
    take(name, "cuda.");
    name.remove_suffix(std::string_view("Storage").size());
    for (const auto& [prefix, type] : kStorages)
        if (name == prefix) return type;
    return std::nullopt;
}

std::optional<GlobalUse> allowed_global(std::string_view name) {
    if (is_one_of(name, kDicts)) return GlobalUse::dict;
    if (is_one_of(name, kLists)) return GlobalUse::list;
    if (is_one_of(name, kInert)) return GlobalUse::inert;
    if (is_one_of(name, kNamed)) return GlobalUse::name;
    if (is_one_of(name, kCallable) || is_one_of(name, kBytesMakers)) return GlobalUse::record;
    if (is_one_of(name, kUntyped) || storage_type(name)) return GlobalUse::name;
    std::string_view rest = name;
    if (take(rest, "torch._utils."))
        return is_one_of(rest, kRebuilders) ? std::optional(GlobalUse::record) : std::nullopt;
    if (take(rest, "torch.") && is_one_of(rest, kTypes)) return GlobalUse::name;
    return std::nullopt;
}

std::string_view advice_on_global(std::string_view name) {
    return std::ranges::find_if(kAdvice, [&](const auto& one) { return name.starts_with(one.first); })->second;
}

bool is_utf8(const std::string& text) {
    try {
        return !nlohmann::json(text).dump().empty();
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

std::string shown(std::string_view text) {
    const bool whole = text.size() <= kLongestShown;
    const nlohmann::json json = std::string(text.substr(0, kLongestShown));
    std::string quoted = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::erase(quoted, '\x7f');
    return (quoted.substr(1, quoted.size() - 2)) + (whole ? "" : "…");
}

}  // namespace spikelens
