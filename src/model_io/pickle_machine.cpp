#include "pickle_machine.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "pickle_globals.h"
#include "pickle_opcodes.h"
#include "pickle_stack.h"

namespace spikelens {
namespace {

constexpr uint64_t kLongestText = uint64_t{1} << 20;
constexpr uint64_t kLongestBytes = uint64_t{1} << 26;
constexpr PickleId kNoValue = std::numeric_limits<PickleId>::max();

class Machine : PickleStack {
  public:
    Machine(std::span<const uint8_t> bytes, const std::string& where) : PickleStack(bytes, where), where_(where) {}

    Pickle run() {
        if (bytes_.left() == 0 || bytes_.byte() != op_proto) bytes_.fail("it does not begin with its protocol, 2 to 5");
        if (const uint8_t protocol = bytes_.byte(); protocol < 2 || protocol > 5)
            bytes_.fail(fmt::format("protocol {}, expected 2 to 5", protocol));
        for (uint8_t opcode = bytes_.byte(); opcode != op_stop; opcode = bytes_.byte()) {
            charge(1);
            if (!constant(opcode) && !text(opcode) && !container(opcode) && !stack(opcode) && !memo(opcode) &&
                !object(opcode))
                bytes_.fail(fmt::format("opcode {:#04x}, which no state dict needs", opcode));
        }
        return finish();
    }

  private:
    bool constant(uint8_t opcode) {
        switch (opcode) {
            case op_none:
                push_new(PickleKind::none);
                return true;
            case op_newtrue:
            case op_newfalse:
                push_new(PickleKind::boolean).integer = opcode == op_newtrue;
                return true;
            case op_binint:
                push_integer(static_cast<int32_t>(bytes_.word(4)));
                return true;
            case op_binint1:
                push_integer(bytes_.byte());
                return true;
            case op_binint2:
                push_integer(static_cast<int64_t>(bytes_.word(2)));
                return true;
            case op_long1:
                push_long(bytes_.byte());
                return true;
            case op_long4:
                push_long(bytes_.word(4));
                return true;
            case op_binfloat: {
                const double number = bytes_.number();
                push_new(PickleKind::number).number = number;
                return true;
            }
            default:
                return false;
        }
    }
    void push_integer(int64_t integer) { push_new(PickleKind::integer).integer = integer; }
    void push_long(uint64_t size) {
        if (size > kLongestText) bytes_.fail("a number longer than 2^20 bytes");
        const std::string_view digits = bytes_.take(size);
        if (size > 8) {
            push_new(PickleKind::long_integer).text = digits;
            return;
        }
        uint64_t bits =
            size > 0 && (digits.back() & 0x80) != 0 ? ~uint64_t{0} : 0;  // the sign fills what is not written
        for (size_t i = size; i-- > 0;) bits = bits << 8 | static_cast<uint8_t>(digits[i]);
        push_integer(static_cast<int64_t>(bits));
    }

    bool text(uint8_t opcode) {
        switch (opcode) {
            case op_short_binunicode:
            case op_short_binstring:
                push_text(PickleKind::text, bytes_.byte(), kLongestText);
                return true;
            case op_binunicode:
            case op_binstring:
                push_text(PickleKind::text, bytes_.word(4), kLongestText);
                return true;
            case op_binunicode8:
                push_text(PickleKind::text, bytes_.word(8), kLongestText);
                return true;
            case op_short_binbytes:
                push_text(PickleKind::bytes, bytes_.byte(), kLongestBytes);
                return true;
            case op_binbytes:
                push_text(PickleKind::bytes, bytes_.word(4), kLongestBytes);
                return true;
            case op_binbytes8:
            case op_bytearray8:
                push_text(PickleKind::bytes, bytes_.word(8), kLongestBytes);
                return true;
            default:
                return false;
        }
    }
    void push_text(PickleKind kind, uint64_t size, uint64_t longest) {
        if (size > longest) bytes_.fail(fmt::format("a text of {} bytes, more than {}", size, longest));
        const std::string_view read = bytes_.take(size);
        charge(size / 16);
        push_new(kind).text = read;
    }

    bool container(uint8_t opcode) {
        switch (opcode) {
            case op_empty_tuple:
                push_new(PickleKind::tuple);
                return true;
            case op_tuple1:
            case op_tuple2:
            case op_tuple3:
                push_new(PickleKind::tuple, pop_some(opcode - op_tuple1 + 1U));
                return true;
            case op_tuple:
                push_new(PickleKind::tuple, pop_marked());
                return true;
            case op_empty_list:
            case op_empty_set:
                push_new(PickleKind::list);
                return true;
            case op_list:
            case op_frozenset:
                push_new(PickleKind::list, pop_marked());
                return true;
            case op_empty_dict:
                push_new(PickleKind::dict);
                return true;
            case op_dict: {
                const std::vector<PickleId> items = pop_marked();
                push_new(PickleKind::dict);
                extend(PickleKind::dict, items);
                return true;
            }
            case op_append:
            case op_appends:
            case op_additems:
                extend(PickleKind::list, opcode == op_append ? pop_some(1) : pop_marked());
                return true;
            case op_setitem:
            case op_setitems:
                extend(PickleKind::dict, opcode == op_setitem ? pop_some(2) : pop_marked());
                return true;
            default:
                return false;
        }
    }
    void extend(PickleKind kind, const std::vector<PickleId>& items) {
        PickleValue& target = value(top());
        if (target.kind != kind)
            bytes_.fail(kind == PickleKind::list ? "it appends to no list" : "it fills no dictionary");
        if (kind == PickleKind::dict && items.size() % 2 != 0) bytes_.fail("a key without a value");
        target.items.insert(target.items.end(), items.begin(), items.end());
    }

    bool stack(uint8_t opcode) {
        switch (opcode) {
            case op_mark:
                mark();
                return true;
            case op_pop:
                pop_value_or_mark();
                return true;
            case op_pop_mark:
                pop_marked();
                return true;
            case op_dup:
                push(top());
                return true;
            case op_frame:
                if (bytes_.word(8) > bytes_.left()) bytes_.fail("it is truncated");
                return true;
            default:
                return false;
        }
    }

    bool memo(uint8_t opcode) {
        switch (opcode) {
            case op_binput:
                memo_put(bytes_.byte());
                return true;
            case op_long_binput:
                memo_put(bytes_.word(4));
                return true;
            case op_memoize:
                memo_put(memo_.size());
                return true;
            case op_binget:
                memo_get(bytes_.byte());
                return true;
            case op_long_binget:
                memo_get(bytes_.word(4));
                return true;
            default:
                return false;
        }
    }
    void memo_put(uint64_t index) {
        if (index >= kMostPickleValues) bytes_.fail("it remembers more than 2^20 values");
        if (index >= memo_.size()) memo_.resize(index + 1, kNoValue);
        memo_[index] = top();
    }
    void memo_get(uint64_t index) {
        if (index >= memo_.size() || memo_[index] == kNoValue)
            bytes_.fail(fmt::format("it remembers no value {}", index));
        push(memo_[index]);
    }

    bool object(uint8_t opcode) {
        switch (opcode) {
            case op_global:
            case op_inst: {
                const std::string_view module = bytes_.line();
                push_global(module, bytes_.line());
                if (opcode == op_inst) bytes_.fail("opcode INST, which no state dict needs");
                return true;
            }
            case op_stack_global:
                push_stack_global();
                return true;
            case op_reduce:
            case op_newobj:
                call();
                return true;
            case op_build:
                build();
                return true;
            case op_binpersid:
                push_new(PickleKind::persistent, pop_some(1));
                return true;
            default:
                return false;
        }
    }
    void build() {
        const PickleId attributes = pop();
        PickleValue& target = value(top());
        const bool inert = target.kind == PickleKind::call && allowed_global(target.text) == GlobalUse::inert;
        if (inert) return;
        if (target.kind != PickleKind::dict) bytes_.fail("it gives attributes to what is no dictionary");
        target.attributes = {attributes};
    }
    void push_global(std::string_view module, std::string_view name) {
        if (module.size() > kLongestText || name.size() > kLongestText)
            bytes_.fail("a global's name longer than 2^20 bytes");
        std::string full = std::string(module) + "." + std::string(name);
        if (!allowed_global(full))
            throw InputError(fmt::format(
                "{} asks for {}, which is not on the list of what a state dict may hold; nothing was executed ({})",
                where_, shown(full), advice_on_global(full)));
        push_new(PickleKind::global).text = std::move(full);
    }
    void push_stack_global() {
        const PickleValue name = value(pop()), module = value(pop());
        if (name.kind != PickleKind::text || module.kind != PickleKind::text) bytes_.fail("a global's name is no text");
        push_global(module.text, name.text);
    }
    /// REDUCE and NEWOBJ: nothing is called.
    void call() {
        const PickleId arguments = pop(), function = pop();
        if (value(function).kind != PickleKind::global) bytes_.fail("it calls what is no function");
        if (value(arguments).kind != PickleKind::tuple) bytes_.fail("it calls with what is no tuple");
        const std::string name = value(function).text;
        std::vector<PickleId> items = value(arguments).items;
        charge(items.size());
        const GlobalUse use = allowed_global(name).value_or(GlobalUse::name);
        if (use == GlobalUse::name) bytes_.fail("it calls " + name + ", which is no function");
        if (use == GlobalUse::dict) return make_dict(name, items);
        if (use == GlobalUse::list) return make_list(items);
        push_new(PickleKind::call, std::move(items)).text = name;
    }
    /// deque(), deque(()) or deque((), longest), whose elements follow; set([…]).
    void make_list(const std::vector<PickleId>& arguments) {
        if (arguments.size() > 2) bytes_.fail("a list of several arguments");
        std::vector<PickleId> items;
        if (!arguments.empty()) {
            const PickleValue& given = value(arguments[0]);
            if (given.kind != PickleKind::list && given.kind != PickleKind::tuple)
                bytes_.fail("a list of what is none");
            items = given.items;
            charge(items.size());
        }
        push_new(PickleKind::list, std::move(items));
    }
    /// OrderedDict() or, as Python 2 wrote it, OrderedDict([[key, value], …]); Counter({…}); defaultdict(what it
    /// makes).
    void make_dict(const std::string& name, std::vector<PickleId> arguments) {
        if (name == "collections.defaultdict" && !arguments.empty()) {
            const PickleKind factory = value(arguments[0]).kind;
            if (factory != PickleKind::none && factory != PickleKind::global)
                bytes_.fail("a defaultdict of what is no class");
            arguments.erase(arguments.begin());
        }
        if (arguments.size() > 1) bytes_.fail("a dictionary of several arguments");
        std::vector<PickleId> items;
        if (!arguments.empty() && value(arguments[0]).kind == PickleKind::dict) {
            items = value(arguments[0]).items;
            charge(items.size());
        } else if (!arguments.empty()) {
            if (value(arguments[0]).kind != PickleKind::list) bytes_.fail("a dictionary of what is no list");
            for (const PickleId pair : value(arguments[0]).items) {
                const PickleValue& entry = value(pair);
                if ((entry.kind != PickleKind::list && entry.kind != PickleKind::tuple) || entry.items.size() != 2)
                    bytes_.fail("a dictionary of what is no pair");
                charge(2);
                items.insert(items.end(), entry.items.begin(), entry.items.end());
            }
        }
        push_new(PickleKind::dict, std::move(items));
    }

    const std::string& where_;
    std::vector<PickleId> memo_;
};

}  // namespace

const PickleValue* Pickle::find(const PickleValue& dict, std::string_view key) const {
    if (dict.kind != PickleKind::dict) return nullptr;
    for (size_t i = dict.items.size(); i >= 2; i -= 2)
        if (const PickleValue& name = values[dict.items[i - 2]]; name.kind == PickleKind::text && name.text == key)
            return &values[dict.items[i - 1]];
    return nullptr;
}

Pickle read_pickle(std::span<const uint8_t> bytes, const std::string& where) { return Machine(bytes, where).run(); }

}  // namespace spikelens
