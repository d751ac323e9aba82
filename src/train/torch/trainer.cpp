#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <malloc.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/random.h"

#include "sgd.h"
#include "torch_errors.h"
#include "torch_network.h"
#include "torch_threads.h"
#include "train/cross_entropy.h"

namespace spikelens {
namespace {

constexpr const char* kTask = "training";

/// What a shard gives, or several together.
struct ShardResult {
    std::vector<at::Tensor> gradients;
    BatchRecord record;

    void add(ShardResult other) {
        record += other.record;
        if (gradients.empty()) gradients.swap(other.gradients);
        for (size_t i = 0; i < other.gradients.size(); ++i)
            if (gradients[i].defined()) gradients[i].add_(other.gradients[i]);
    }
};

/// Adds the results of shards in the order of the shards, each as soon as those before it are in: the sum does not
/// depend on who finishes first, and few results wait in memory.
class OrderedSum {
  public:
    /// Of the shards from `first` on, behind what others may have summed of those before: follow() says what.
    OrderedSum(int64_t first, bool follows) : next_(first), follows_(follows) {}

    void follow(ShardResult before) {
        const std::lock_guard lock(mutex_);
        total_ = std::move(before);
        follows_ = false;
        add_next();
    }

    void add(int64_t shard, ShardResult result) {
        const std::lock_guard lock(mutex_);
        waiting_[shard] = std::move(result);
        if (!follows_) add_next();
    }

    ShardResult& total() { return total_; }

  private:
    void add_next() {
        for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_;
             first = waiting_.erase(first), ++next_)
            total_.add(std::move(first->second));
    }

    std::mutex mutex_;
    std::map<int64_t, ShardResult> waiting_;
    int64_t next_;
    bool follows_;
    ShardResult total_;
};

/// A sum of shards as it travels between processes: this, then its gradients, if there are any.
struct SumHead {
    BatchRecord record;
    int64_t any = 0;
};

template <class Value>
std::span<std::byte> bytes_of(Value& value) {
    return std::as_writable_bytes(std::span(&value, 1));
}

std::span<std::byte> bytes_of(at::Tensor& tensor) {
    tensor = tensor.contiguous();
    return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

/// glibc's heap would keep the holes that large tensors leave: twice the planned memory was measured. They are mapped
/// each for itself. This is a setting of the whole process. It is made here alone, in the training library, which is
/// loaded when training begins: the core library leaves malloc as it is.
void give_large_blocks_back() {
    ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

TorchNetwork::Computing computing_of(const TrainOptions& options) {
    const bool cuda = options.device == Device::cuda;
    return {.device = cuda ? at::kCUDA : at::kCPU,
            .products = options.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat,
            .fused = !cuda};
}

/// Settings of the whole process: products of float32 are not rounded to fewer bits, and sums have one order where they
/// can.
void compute_alike_on_gpus() {
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setBenchmarkCuDNN(false);
    at::globalContext().setDeterministicCuDNN(true);
}

class Trainer {
  public:
    Trainer(Network& network, const SampleSource& samples, const TrainOptions& options, const TrainPlan& plan,
            TrainState& state, const Execution& execution, const TrainTeam& team)
        : network_(network),
          samples_(samples),
          options_(options),
          plan_(plan),
          state_(state),
          execution_(execution),
          team_(team),
          frozen_(frozen_layers(network, options.freeze)),
          classes_(network.class_count()),
          torch_(network, options.surrogate, frozen_, computing_of(options)),
          sgd_(network, options, state) {}

    /// Goes on where the state stands in its epoch, to the epoch's end.
    void run_epoch(const std::function<void(const Network&, const TrainState&)>& after_batch) {
        const int epoch = state_.epochs_done + 1;
        const int64_t total = samples_.size();
        const std::vector<int64_t> order =
            random_permutation(total, options_.seed, Stream::epoch_order, {static_cast<uint64_t>(epoch)});
        const std::string task = "training, epoch " + std::to_string(epoch) + " of " + std::to_string(options_.epochs);
        for (int64_t first = state_.part.samples; first < total; first += options_.batch) {
            const auto start = std::chrono::steady_clock::now();
            const int64_t size = std::min<int64_t>(options_.batch, total - first);
            const BatchRecord batch = run_batch(std::span(order).subspan(first, size), task);
            add_to_state(batch, size, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
            if (after_batch) after_batch(network_, state_);
            execution_.report(task, first + size, total, "loss " + number(batch.loss / static_cast<double>(size)));
        }
    }

  private:
    void add_to_state(const BatchRecord& batch, int64_t size, double seconds) {
        EpochPart& part = state_.part;
        part.samples += size;
        part.loss += batch.loss;
        part.correct += batch.correct;
        part.seconds += seconds;
        if (part.samples < samples_.size()) return;
        const auto total = static_cast<double>(part.samples);
        ++state_.epochs_done;
        state_.history.push_back(
            {state_.epochs_done, part.loss / total, static_cast<double>(part.correct) / total, part.seconds});
        part = {};
    }

    BatchRecord run_batch(std::span<const int64_t> batch, const std::string& task) {
        const int64_t size = static_cast<int64_t>(batch.size());
        const int64_t shards = shards_of(size, options_.accumulate);
        const int64_t own = team_.number * shards / team_.count,
                      count = (team_.number + 1) * shards / team_.count - own;
        OrderedSum sum(own, team_.number > 0);
        parallel_for(count, threads_with_room(plan_.threads, std::max<int64_t>(1, count), kTask), [&](int64_t i, int) {
            const int64_t shard = own + i, first = shard * size / shards, end = (shard + 1) * size / shards;
            without_torch_errors(kTask, [&] {
                add_shard(batch.subspan(first, end - first), shard, 1.0 / static_cast<double>(size), sum);
            });
        });
        without_torch_errors(kTask, [&] {
            for (at::Tensor& gradient : sum.total().gradients)
                if (gradient.defined()) gradient = gradient.to(at::kCPU);
            if (team_.count > 1) join(sum);
        });
        if (!std::isfinite(sum.total().record.loss)) throw diverged(task, "the loss");
        without_torch_errors(kTask, [&] {
            sgd_.step(sum.total().gradients, learning_rate());
            torch_.take_weights();
        });
        // A neuron whose weights are no numbers is silent: the loss alone would not tell.
        if (!torch_.finite()) throw diverged(task, "a weight");
        return sum.total().record;
    }

    /// Behind what the processes before this one have summed come its own shards; all take the sum of the last process.
    void join(OrderedSum& sum) const {
        if (team_.number > 0) {
            ShardResult before;
            pass(before, team_.receive);
            sum.follow(std::move(before));
        }
        if (team_.number + 1 < team_.count) pass(sum.total(), team_.send);
        pass(sum.total(), team_.take_last);
    }

    void pass(ShardResult& sum, const std::function<void(std::span<std::byte>)>& exchange) const {
        SumHead head{sum.record, !sum.gradients.empty()};
        exchange(bytes_of(head));
        sum.record = head.record;
        if (!head.any) return;
        if (sum.gradients.empty()) sum.gradients = room_for_gradients();
        for (at::Tensor& gradient : sum.gradients)
            if (gradient.defined()) exchange(bytes_of(gradient));
    }

    std::vector<at::Tensor> room_for_gradients() const {
        std::vector<at::Tensor> gradients;
        const auto add = [&](const Shape& shape, bool frozen) {
            gradients.push_back(frozen ? at::Tensor() : at::empty(shape, at::kFloat));
        };
        for (size_t l = 0; l < network_.layers.size(); ++l) {
            const Layer& layer = network_.layers[l];
            add(layer.weight.shape, frozen_[l]);
            if (layer.has_bias) add(layer.bias.shape, frozen_[l]);
        }
        return gradients;
    }

    /// Of the update under way.
    double learning_rate() const {
        const int64_t updates = (samples_.size() + options_.batch - 1) / options_.batch;
        const int64_t update = state_.epochs_done * updates + state_.part.samples / options_.batch;
        return options_.learning_rate *
               schedule_factor(options_.schedule, options_.warm_up, options_.epochs, update, updates);
    }

    RunError diverged(const std::string& task, const std::string& what) const {
        return RunError(task + ": " + what + " is not finite; a learning rate below " + number(options_.learning_rate) +
                        " may help");
    }

    void add_shard(std::span<const int64_t> indices, int64_t shard, double weight, OrderedSum& sum) const {
        const at::NoGradGuard no_autograd;
        compute_in_this_thread();
        Input shown = samples_.input(indices);
        augment(shown, indices, options_.augmentation, options_.seed, state_.epochs_done + 1);
        std::vector<int> labels;
        for (int64_t index : indices) labels.push_back(samples_.label(index));
        TorchNetwork::Trace trace;
        trace.recompute = plan_.recompute;
        const at::Tensor scores = torch_.forward(tensor_of(shown), trace).to(at::kCPU).contiguous();
        at::Tensor score_gradient = at::empty_like(scores);
        const size_t count = labels.size() * static_cast<size_t>(classes_);
        const BatchRecord record =
            cross_entropy({scores.data_ptr<float>(), count}, labels, weight, {score_gradient.data_ptr<float>(), count});
        sum.add(shard, {torch_.backward(trace, score_gradient.to(torch_.device())), record});
    }

    /// Looks at images [N, C, H, W], or at spikes [N, T, C, H, W].
    static at::Tensor tensor_of(Input& input) {
        if (!input.spiking()) return view_of(input.images);
        return at::from_blob(input.spikes.data.data(), input.spikes.shape, at::TensorOptions().dtype(at::kByte));
    }

    const Network& network_;
    const SampleSource& samples_;
    const TrainOptions& options_;
    const TrainPlan& plan_;
    TrainState& state_;
    const Execution& execution_;
    const TrainTeam& team_;
    std::vector<bool> frozen_;
    int64_t classes_;
    TorchNetwork torch_;
    Sgd sgd_;
};

std::string why_no_gpu() {
    if (at::globalContext().hasCUDA()) return {};
    return at::globalContext().hasCUDART() ? "LibTorch finds none" : "LibTorch was built without CUDA";
}

void train_by_torch(Network& network, const SampleSource& samples, const TrainOptions& options, const TrainPlan& plan,
                    TrainState& state, const AfterBatch& after_batch, const Execution& execution,
                    const TrainTeam& team) {
    const at::NoGradGuard no_autograd;
    compute_in_this_thread();
    give_large_blocks_back();
    if (options.device == Device::cuda) compute_alike_on_gpus();
    const auto trainer = without_torch_errors(
        kTask, [&] { return std::make_unique<Trainer>(network, samples, options, plan, state, execution, team); });
    while (state.epochs_done < options.epochs) trainer->run_epoch(after_batch);
}

}  // namespace
}  // namespace spikelens

const char spikelens_train_stamp[] = SPIKELENS_TRAIN_STAMP;

const spikelens::TrainingLibrary spikelens_train = {spikelens::why_no_gpu, spikelens::train_by_torch};
