using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters.Server.Standalone;
using WorkinIt.Dev;

namespace WorkinIt.Tests.Kubernetes;

/// <summary>
/// Checks that deploy/kubernetes/dead-letters.yaml has no field unknown to Kubernetes, and that it matches the image, the server and itself. In
/// addition, ./test checks it against Kubernetes' own schemas.
/// </summary>
public sealed partial class DeadLettersManifestTests
{
    private const string Manifest = "deploy/kubernetes/dead-letters.yaml";
    private const string Compose = "deploy/dead-letters/compose.yaml";

    private readonly List<object> _resources = KubernetesYaml.LoadAllFromString(Read(Manifest), strict: true);

    [Fact]
    public void Job_and_console_run_the_image_in_the_current_version_with_minimal_privileges()
    {
        var version = Regex.Match(Read("CHANGELOG.md"), @"^## (\d+\.\d+\.\d+)", RegexOptions.Multiline).Groups[1].Value;
        var pods = new[] { All<V1Job>().Single().Spec.Template.Spec, Pod };
        var containers = pods.Select(pod => pod.Containers.Single()).ToList();

        _resources.Count.ShouldBe(Read(Manifest).Split("\n---\n").Length);
        containers.ShouldAllBe(container => container.Image == $"registry.example.com/workinit/dead-letters:{version}");
        All<V1Job>().Single().Metadata.Name.ShouldBe($"migrate-{version}");
        containers[0].Args.ShouldBe(["--migrate"]);
        pods.ShouldAllBe(pod => pod.AutomountServiceAccountToken == false && pod.SecurityContext.RunAsNonRoot == true && pod.SecurityContext.RunAsUser == 1654 && pod.SecurityContext.SeccompProfile.Type == "RuntimeDefault");
        Read("Dockerfile").ShouldContain("USER 1654");
        containers.ShouldAllBe(container => container.SecurityContext.ReadOnlyRootFilesystem == true && container.SecurityContext.AllowPrivilegeEscalation == false && container.SecurityContext.Capabilities.Drop.Single() == "ALL");
        containers.ShouldAllBe(container => container.Resources.Limits.ContainsKey("memory") && container.Resources.Requests.ContainsKey("cpu"));
        containers.ShouldAllBe(container => container.VolumeMounts.Any(mount => mount.MountPath == "/tmp"));
    }

    [Fact]
    public void Console_gets_only_documented_settings_and_all_that_it_requires()
    {
        var documented = Setting().Matches(Read("docs/settings.md")).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);
        var secrets = Secrets();
        var used = All<V1ConfigMap>().Single().Data.Keys.Concat(secrets["dead-letters"]).ToList();

        used.Where(name => name != "ASPNETCORE_URLS" && !documented.Contains(name)).ShouldBeEmpty();
        foreach (var required in new[] { "ConnectionStrings__DeadLetters", "RabbitMqManagement__Url", "ConnectionStrings__Catalogue" })
            used.ShouldContain(required);
        foreach (var container in new[] { All<V1Job>().Single().Spec.Template.Spec.Containers.Single(), Pod.Containers.Single() })
            container.EnvFrom.Select(from => from.ConfigMapRef?.Name ?? from.SecretRef.Name).ShouldBe(["dead-letters", "dead-letters"]);
        var owner = All<V1Job>().Single().Spec.Template.Spec.Containers.Single().Env.Single();
        (owner.Name, secrets[owner.ValueFrom.SecretKeyRef.Name]).ShouldSatisfyAllConditions(
            it => it.Name.ShouldBe("ConnectionStrings__Catalogue"), it => it.Item2.ShouldContain(owner.ValueFrom.SecretKeyRef.Key));
    }

    [Fact]
    public void Instances_share_the_keys_and_one_stays_while_a_node_is_drained()
    {
        var deployment = All<V1Deployment>().Single();
        var volume = Pod.Volumes.Single(each => each.PersistentVolumeClaim is not null);
        var claim = All<V1PersistentVolumeClaim>().Single(each => each.Metadata.Name == volume.PersistentVolumeClaim.ClaimName);
        var labels = deployment.Spec.Template.Metadata.Labels;

        claim.Spec.AccessModes.ShouldBe(["ReadWriteMany"]);
        All<V1ConfigMap>().Single().Data["DataProtection__KeysDirectory"].ShouldBe(Pod.Containers.Single().VolumeMounts.Single(mount => mount.Name == volume.Name).MountPath);
        deployment.Spec.Selector.MatchLabels.ShouldBe(labels);
        Pod.TopologySpreadConstraints.Single().LabelSelector.MatchLabels.ShouldBe(labels);
        var budget = All<V1PodDisruptionBudget>().Single();
        budget.Spec.Selector.MatchLabels.ShouldBe(labels);
        int.Parse(budget.Spec.MaxUnavailable.Value, CultureInfo.InvariantCulture).ShouldBeLessThan(deployment.Spec.Replicas!.Value);
    }

    [Fact]
    public void Ingress_leads_to_the_console_whose_health_is_checked_and_all_other_inbound_traffic_is_blocked()
    {
        var (container, service, backend) = (Pod.Containers.Single(), All<V1Service>().Single(), All<V1Ingress>().Single().Spec.Rules.Single().Http.Paths.Single().Backend.Service);
        var port = container.Ports.Single();
        var labels = All<V1Deployment>().Single().Spec.Template.Metadata.Labels;

        (backend.Name, backend.Port.Name).ShouldBe((service.Metadata.Name, service.Spec.Ports.Single().Name));
        service.Spec.Selector.ShouldBe(labels);
        service.Spec.Ports.Single().TargetPort.Value.ShouldBe(port.Name);
        All<V1ConfigMap>().Single().Data["ASPNETCORE_URLS"].ShouldEndWith($":{port.ContainerPort}");
        var probes = new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe };
        probes.Select(probe => probe.HttpGet.Path).ShouldBe(["/health/ready", "/health/live", "/health/ready"]);
        probes.ShouldAllBe(probe => probe.HttpGet.Port.Value == port.Name);
        var (closed, open) = (All<V1NetworkPolicy>().Single(policy => policy.Spec.Ingress is null), All<V1NetworkPolicy>().Single(policy => policy.Spec.Ingress is not null));
        closed.Spec.PodSelector.MatchLabels.ShouldBeNull();
        open.Spec.PodSelector.MatchLabels.ShouldBe(labels);
        open.Spec.Ingress.Single().FromProperty.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Grace_period_in_Kubernetes_and_Compose_exceeds_the_time_that_the_server_takes_to_stop()
    {
        var folder = Directory.CreateTempSubdirectory("manifest-");
        await using (var app = StandaloneServer.Create(
            [
                "--ConnectionStrings:DeadLetters=amqp://nobody:nothing@127.0.0.1:1", "--RabbitMqManagement:Url=http://127.0.0.1:1",
                $"--ConnectionStrings:Catalogue=Data Source={Path.Combine(folder.FullName, "catalogue.db")}",
            ]))
        {
            var longest = app.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;
            var preStop = Pod.Containers.Single().Lifecycle.PreStop.Sleep.Seconds;
            TimeSpan.FromSeconds(Pod.TerminationGracePeriodSeconds!.Value - preStop).ShouldBeGreaterThan(longest);
            TimeSpan.FromSeconds(int.Parse(Regex.Match(Read(Compose), @"stop_grace_period: (\d+)s").Groups[1].Value, CultureInfo.InvariantCulture)).ShouldBeGreaterThan(longest);
        }
        folder.Delete(recursive: true);
    }

    private V1PodSpec Pod => All<V1Deployment>().Single().Spec.Template.Spec;

    private IEnumerable<T> All<T>() => _resources.OfType<T>();

    // The commands: kubectl create secret generic NAME --from-literal='KEY=…' …, each literal on a line of its own.
    private static Dictionary<string, List<string>> Secrets() => Regex.Matches(Read("deploy/kubernetes/README.md"), @"-n dead-letters create secret generic (\S+)((?: \\\n *--from-literal=[^\\\n]*[^\\\n ])+)")
        .ToDictionary(match => match.Groups[1].Value, match => Regex.Matches(match.Groups[2].Value, "--from-literal='?([^=]+)=").Select(key => key.Groups[1].Value).ToList());

    private static string Read(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    [GeneratedRegex("[A-Za-z]+__[A-Za-z]+|(ASPNETCORE|OTEL)_[A-Z_]+")]
    private static partial Regex Setting();
}
