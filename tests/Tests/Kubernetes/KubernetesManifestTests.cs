using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Dev;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Kubernetes;

/// <summary>
/// Checks that deploy/kubernetes/workinit.yaml has no field unknown to Kubernetes, and that it matches the images, the services and itself.
/// In addition, ./test checks it against Kubernetes' own schemas.
/// </summary>
public sealed partial class KubernetesManifestTests
{
    private static readonly string _version = Regex.Match(Read("CHANGELOG.md"), @"^## (\d+\.\d+\.\d+)", RegexOptions.Multiline).Groups[1].Value;

    private readonly List<object> _resources = KubernetesYaml.LoadAllFromString(Read("deploy/kubernetes/workinit.yaml"), strict: true);

    [Fact]
    public void Manifest_with_a_field_unknown_to_Kubernetes_is_rejected()
    {
        _resources.Count.ShouldBe(Read("deploy/kubernetes/workinit.yaml").Split("\n---\n").Length);
        Should.Throw<Exception>(() => KubernetesYaml.LoadAllFromString(Read("deploy/kubernetes/workinit.yaml").Replace("matchLabels:", "matchLable:", StringComparison.Ordinal), strict: true));
    }

    [Fact]
    public void Manifest_runs_the_images_of_the_Dockerfile_in_the_current_version()
    {
        var targets = Regex.Matches(Read("Dockerfile"), "^FROM .*chiseled.* AS (.+)$", RegexOptions.Multiline).Select(match => match.Groups[1].Value)
            .Where(target => target != "dead-letters").ToList(); // for other applications: here, Web has the pages

        Containers().Select(container => container.Image).Distinct().ShouldBe(targets.Select(target => $"registry.example.com/workinit/{target}:{_version}"), ignoreOrder: true);
    }

    [Fact]
    public void Manifest_has_a_job_of_the_current_version_for_the_topology_and_each_migration()
    {
        var jobs = All<V1Job>().ToList();

        jobs.Select(job => (Image(job.Spec.Template.Spec), job.Spec.Template.Spec.Containers.Single().Args.Single()))
            .ShouldBe([("consumers", "--deploy-topology"), ("web", "--migrate"), ("consumers", "--migrate")], ignoreOrder: true);
        jobs.ShouldAllBe(job => job.Metadata.Name.EndsWith($"-{_version}"));
        jobs.ShouldAllBe(job => job.Metadata.Labels["step"] == "before");
        var mapsOfStep = All<V1ConfigMap>().Where(map => map.Metadata.Labels?.ContainsKey("step") == true).Select(map => map.Metadata.Name).ToList();
        jobs.SelectMany(job => job.Spec.Template.Spec.Containers.Single().EnvFrom ?? []).ShouldAllBe(from => mapsOfStep.Contains(from.ConfigMapRef.Name));
    }

    [Fact]
    public void Each_setting_has_one_row_in_its_table()
    {
        var names = Regex.Matches(Read("docs/settings.md"), "^[|] (`[^|]+) [|]", RegexOptions.Multiline).Select(row => row.Groups[1].Value).ToList();

        names.Count.ShouldBeGreaterThan(30);
        names.GroupBy(name => name).Where(rows => rows.Count() > 1).Select(rows => rows.Key).ShouldBeEmpty();
    }

    [Fact]
    public void Manifest_sets_only_documented_settings()
    {
        var settings = Setting().Matches(Read("docs/settings.md")).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);
        var used = All<V1ConfigMap>().SelectMany(map => map.Data.Keys)
            .Concat(Containers().SelectMany(container => container.Env ?? []).Select(variable => variable.Name))
            .Concat(Secrets().SelectMany(secret => secret.Value).Where(key => key.Contains("__", StringComparison.Ordinal)))
            .Distinct().Where(name => name != "ASPNETCORE_URLS").ToList();

        used.Count.ShouldBeGreaterThan(10);
        used.Where(name => !settings.Contains(name)).ShouldBeEmpty();
    }

    [Fact]
    public void Manifest_refers_only_to_its_own_ConfigMaps_and_to_Secrets_created_by_its_README()
    {
        var maps = All<V1ConfigMap>().Select(map => map.Metadata.Name).ToList();
        var secrets = Secrets();
        var sources = Containers().SelectMany(container => container.EnvFrom ?? []).ToList();

        sources.Where(source => source.ConfigMapRef is not null).ShouldAllBe(source => maps.Contains(source.ConfigMapRef.Name));
        sources.Where(source => source.SecretRef is not null).Select(source => source.SecretRef.Name).ShouldBe(["web", "consumers"]);
        secrets.Keys.ShouldBe(["deployment", "web", "consumers"], ignoreOrder: true);
        Containers().SelectMany(container => container.Env ?? []).Select(variable => variable.ValueFrom.SecretKeyRef)
            .ShouldAllBe(key => secrets[key.Name].Contains(key.Key));
    }

    [Theory]
    [InlineData("web", "/health/ready", "/health/live", "/health/live")]
    [InlineData("consumers", "/health/live", "/health/live", "/health/ready")]
    public void Kubernetes_probes_use_the_port_and_the_health_paths_of_each_service(string name, string startup, string liveness, string readiness)
    {
        var container = Deployment(name).Containers.Single();
        var port = container.Ports.Single();

        All<V1ConfigMap>().Single(map => map.Metadata.Name == name).Data["ASPNETCORE_URLS"].ShouldEndWith($":{port.ContainerPort}");
        Read("Dockerfile").ShouldContain($"EXPOSE {port.ContainerPort}");
        var probes = new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe };
        probes.Select(probe => probe.HttpGet.Path).ShouldBe([startup, liveness, readiness]);
        probes.ShouldAllBe(probe => probe.HttpGet.Port.Value == port.Name);
        probes.ShouldAllBe(probe => Read("src/ServiceDefaults/Service.cs").Contains($"MapHealthChecks(\"{probe.HttpGet.Path}\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("web")]
    [InlineData("consumers")]
    public void Grace_period_in_Kubernetes_and_Compose_exceeds_the_shutdown_timeout_of_each_service(string name)
    {
        var services = new ServiceCollection();
        _ = name == "web" ? services.AddSubmissions() : services.AddGifEmails();
        using var provider = services.BuildServiceProvider();
        var shutdownTimeout = provider.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;

        var pod = Deployment(name);
        var preStopSeconds = pod.Containers.Single().Lifecycle?.PreStop?.Sleep?.Seconds ?? 0;
        TimeSpan.FromSeconds(pod.TerminationGracePeriodSeconds!.Value - preStopSeconds).ShouldBeGreaterThan(shutdownTimeout);
        var compose = Regex.Match(Read("compose.yaml"), $"^  {name}:$.*?stop_grace_period: (\\d+)s", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value;
        TimeSpan.FromSeconds(int.Parse(compose, System.Globalization.CultureInfo.InvariantCulture)).ShouldBeGreaterThan(shutdownTimeout);
    }

    [Fact]
    public void Containers_run_with_minimal_privileges_and_resource_limits()
    {
        var user = long.Parse(Regex.Match(Read("Dockerfile"), "^USER (.+)$", RegexOptions.Multiline).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

        Pods().ShouldAllBe(pod => pod.AutomountServiceAccountToken == false);
        Pods().ShouldAllBe(pod => pod.SecurityContext.RunAsNonRoot == true && pod.SecurityContext.RunAsUser == user && pod.SecurityContext.SeccompProfile.Type == "RuntimeDefault");
        Containers().ShouldAllBe(container => container.SecurityContext.ReadOnlyRootFilesystem == true && container.SecurityContext.AllowPrivilegeEscalation == false);
        Containers().ShouldAllBe(container => container.SecurityContext.Capabilities.Drop.Single() == "ALL");
        Containers().ShouldAllBe(container => container.Resources.Limits.ContainsKey("memory") && container.Resources.Requests.ContainsKey("cpu"));
        Containers().ShouldAllBe(container => container.VolumeMounts.Any(mount => mount.MountPath == "/tmp"));
    }

    [Fact]
    public void One_pod_of_each_service_stays_available_while_a_node_is_drained()
    {
        foreach (var deployment in All<V1Deployment>())
        {
            var labels = deployment.Spec.Template.Metadata.Labels;
            deployment.Spec.Selector.MatchLabels.ShouldBe(labels);
            deployment.Spec.Template.Spec.TopologySpreadConstraints.Single().LabelSelector.MatchLabels.ShouldBe(labels);
            var budget = All<V1PodDisruptionBudget>().Single(each => each.Spec.Selector.MatchLabels.SequenceEqual(labels));
            int.Parse(budget.Spec.MaxUnavailable.Value, System.Globalization.CultureInfo.InvariantCulture).ShouldBeLessThan(deployment.Spec.Replicas!.Value);
        }
    }

    [Fact]
    public void Ingress_leads_to_Web_and_network_policies_block_all_other_inbound_traffic()
    {
        var service = All<V1Service>().Single();
        var web = All<V1Deployment>().Single(each => each.Metadata.Name == "web").Spec.Template;
        var backend = All<V1Ingress>().Single().Spec.Rules.Single().Http.Paths.Single().Backend.Service;

        backend.Name.ShouldBe(service.Metadata.Name);
        backend.Port.Name.ShouldBe(service.Spec.Ports.Single().Name);
        service.Spec.Selector.ShouldBe(web.Metadata.Labels);
        service.Spec.Ports.Single().TargetPort.Value.ShouldBe(web.Spec.Containers.Single().Ports.Single().Name);
        var (closed, open) = (All<V1NetworkPolicy>().Single(policy => policy.Spec.Ingress is null), All<V1NetworkPolicy>().Single(policy => policy.Spec.Ingress is not null));
        closed.Spec.PodSelector.MatchLabels.ShouldBeNull();
        open.Spec.PodSelector.MatchLabels.ShouldBe(web.Metadata.Labels);
        open.Spec.Ingress.Single().FromProperty.ShouldHaveSingleItem();
    }

    [Fact]
    public void Data_protection_keys_and_audit_file_are_on_a_volume_shared_by_all_instances_of_Web()
    {
        var pod = Deployment("web");
        var volume = pod.Volumes.Single(each => each.PersistentVolumeClaim is not null);
        var claim = All<V1PersistentVolumeClaim>().Single(each => each.Metadata.Name == volume.PersistentVolumeClaim.ClaimName);
        var mount = pod.Containers.Single().VolumeMounts.Single(each => each.Name == volume.Name);
        var settings = All<V1ConfigMap>().Single(map => map.Metadata.Name == "web").Data;

        claim.Spec.AccessModes.ShouldBe(["ReadWriteMany"]);
        settings["DataProtection__KeysDirectory"].ShouldStartWith($"{mount.MountPath}/");
        settings["DeadLetters__AuditFile"].ShouldStartWith($"{mount.MountPath}/");
    }

    private IEnumerable<T> All<T>() => _resources.OfType<T>();
    private V1PodSpec Deployment(string name) => All<V1Deployment>().Single(each => each.Metadata.Name == name).Spec.Template.Spec;
    private List<V1PodSpec> Pods() => [.. All<V1Job>().Select(job => job.Spec.Template.Spec), .. All<V1Deployment>().Select(deployment => deployment.Spec.Template.Spec)];
    private List<V1Container> Containers() => [.. Pods().SelectMany(pod => pod.Containers)];

    private static string Image(V1PodSpec pod) => Regex.Match(pod.Containers.Single().Image, "/([^/:]+):").Groups[1].Value;

    // The commands: kubectl create secret generic NAME --from-literal='KEY=…' …, each literal on a line of its own.
    private static Dictionary<string, List<string>> Secrets() => Regex.Matches(Read("deploy/kubernetes/README.md"), @"-n workinit create secret generic (\S+)((?: \\\n *--from-literal=[^\\\n]*[^\\\n ])+)")
        .ToDictionary(match => match.Groups[1].Value, match => Regex.Matches(match.Groups[2].Value, "--from-literal='?([^=]+)=").Select(key => key.Groups[1].Value).ToList());

    private static string Read(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    [GeneratedRegex("[A-Za-z]+__[A-Za-z]+|(ASPNETCORE|OTEL)_[A-Z_]+")]
    private static partial Regex Setting();
}
