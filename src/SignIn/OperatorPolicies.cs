using Microsoft.Extensions.DependencyInjection;

namespace WorkinIt.SignIn;

/// <summary>
/// Who may do what on the dead-letter pages: every signed-in user may view, and only administrators of RabbitMQ, or members of a group that
/// operates, may act. <see cref="RabbitMqUserTags"/> reads which tags let a RabbitMQ user sign in.
/// </summary>
internal static class OperatorPolicies
{
    /// <summary>Adds the policies <see cref="OperatorSignIn.View"/> and <see cref="OperatorSignIn.Operate"/>.</summary>
    /// <param name="services">The services.</param>
    public static void AddOperatorPolicies(this IServiceCollection services) => services.AddAuthorizationBuilder()
        .AddPolicy(OperatorSignIn.View, policy => policy.AddAuthenticationSchemes(OperatorSignIn.Scheme).RequireAuthenticatedUser())
        .AddPolicy(OperatorSignIn.Operate, policy => policy.AddAuthenticationSchemes(OperatorSignIn.Scheme).RequireRole("administrator", OperatorSignIn.OperateRole));
}
